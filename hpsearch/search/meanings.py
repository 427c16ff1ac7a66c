"""What each importance answers, in words: apart from `importance.py`, which takes a second to import."""

from __future__ import annotations

MEANINGS = {
    "PED-ANOVA": "what sets the best trials apart from the rest",
    "fANOVA": "what makes the objective vary, among the parameters that every net has",
}
