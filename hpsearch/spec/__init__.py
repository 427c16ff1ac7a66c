"""The study file: its model (`sections`), its text (`document`), and what reads one into the other (`load`)."""

from hpsearch.spec.load import load_spec, make_spec
from hpsearch.spec.sections import DataSection, PrepareSection, SearchSection, SpaceSection, SplitSection, StudySpec

__all__ = [
    "DataSection",
    "PrepareSection",
    "SearchSection",
    "SpaceSection",
    "SplitSection",
    "StudySpec",
    "load_spec",
    "make_spec",
]
