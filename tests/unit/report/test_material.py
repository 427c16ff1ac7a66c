from dataclasses import replace

from hpsearch.search.book import rank

from .materials import make_material

M = make_material()


def test_trials_are_ranked_as_the_search_ranks_them():
    for direction in ("minimize", "maximize"):
        m = replace(M, info=replace(M.info, direction=direction))
        assert m.ranked == [record for record in rank(m.records, direction) if record.copy_of is None]


def test_commands_name_the_store_only_where_they_must():
    assert M.command("predict", "rows.csv", "-o", "out.csv") == "hpsearch predict bike rows.csv -o out.csv"
    assert replace(M, store="'a b'").command("serve") == "hpsearch serve bike --store 'a b'"


def test_only_folds_widen_the_intervals_of_means():
    assert M.test_share == 0.0
    assert replace(M, info=replace(M.info, splits=3)).test_share == 30 / 100


def test_without_an_evaluation_nothing_of_it_is_known():
    bare = replace(M, evaluation=None)
    assert (bare.test_value, bare.interval, list(bare.baselines)) == (None, None, [])
    assert M.interval == (44.0, 52.5)
