"""Every bad study file with all that is printed of it: read the table for the messages as a set.

A message is `what was found; what is allowed; how to fix it`, behind `file:line:column: field 'a.b':` where there are
such. The numbers are those of the rows in the list of bad input.
"""
# ruff: noqa: E501  a message is easier to compare with its neighbours in one line

from __future__ import annotations

IRIS = "data: {sklearn: iris}\n"
CSV = "data: {csv: a.csv, target: y"
SLUG = "use 1 to 100 of A-Z a-z 0-9 . _ - and begin with a letter or digit"
SECTIONS = "known: name, description, data, prepare, space, model, search, winner"
DURATION = "is no duration; write a number of seconds or 30s, 10min, 1.5h"
WORKERS = "is no number of workers; give auto, inline or a number from 1 to 1024"
NOT_YAML = "not valid YAML: "
BRACKETS = "that opens here is not closed, or lacks a comma; check its brackets and commas"
LINE = "this line is neither 'key: value' nor indented like its neighbours; check the colon and the spaces"
EPOCHS = "epochs takes whole numbers 1..100000"
AMBIGUOUS = "write it in plain decimals, or quote it"
ALIAS = "an alias (*name) repeats a part of the file; write it out"
START = "data: {csv: FILE, target: COLUMN}"

FILES: list[tuple[str, str | bytes, list[str]]] = [
    # 1: a number that is quoted is text
    ("1", IRIS + "space: {learning_rate: '1e-3'}",
     ["2:9: field 'space.learning_rate': '1e-3' is not a number; learning_rate takes numbers 1e-12..100"]),
    # 2: no, on, yes and off are text
    ("2", IRIS + "space: {activation: [on, relu]}",
     ["2:22: field 'space.activation.0': 'on' is no activation; known: relu, tanh, sigmoid, elu, selu, gelu, silu, "
      "leaky_relu, softplus, linear"]),
    ("2", IRIS + "winner: {baselines: no}",
     ["2:10: field 'winner.baselines': 'no' is not true or false; write one of them"]),
    ("2", CSV + ", split: {shuffle: off}}",
     ["1:39: field 'data.split.shuffle': 'off' is not true or false; write one of them"]),
    ("2", CSV + ", split: {stratify: yes}}",
     ["1:39: field 'data.split.stratify': 'yes' is not allowed; write auto, true or false"]),
    ("2", IRIS + "search: {sampler: {name: tpe, group: no}}",
     ["2:31: field 'search.sampler.group': 'no' is not allowed; group takes true or false"]),
    ("2", IRIS + "space: {neurons: {log: no, per_layer: yes}}",
     ["2:19: field 'space.neurons.log': 'no' is not true or false; write one of them",
      "2:28: field 'space.neurons.per_layer': 'yes' is not true or false; write one of them"]),
    # 3: a key that stands twice
    ("3", IRIS + "name: a\ndata: {sklearn: wine}",
     ["3:1: field 'data': 'data' stands twice, the first time in line 1; remove one"]),
    ("3", IRIS + "space: {epochs: 5,\n  epochs: 6}",
     ["3:3: field 'space.epochs': 'epochs' stands twice, the first time in line 2; remove one"]),
    # 4: unknown keys
    ("4", IRIS + "space: {epoch: 5}", ["2:9: field 'space.epoch': 'epoch' is not known here; did you mean 'epochs'?"]),
    ("4", IRIS + "serch: {trials: 5}", ["2:1: field 'serch': 'serch' is not known here; did you mean 'search'?"]),
    ("4", "dta: {sklearn: iris}", ["1:1: field 'dta': 'dta' is not known here; did you mean 'data'?"]),
    ("4", IRIS + "trials: 5", ["2:1: field 'trials': 'trials' is not known here; did you mean 'search.trials'?"]),
    ("4", IRIS + "search: {epochs: 5}",
     ["2:10: field 'search.epochs': 'epochs' is not known here; did you mean 'space.epochs'?"]),
    ("4", IRIS + "modell: x", ["2:1: field 'modell': 'modell' is not known here; did you mean 'model'?"]),
    ("4", IRIS + "folder: /etc", ["2:1: field 'folder': 'folder' is not known here; remove it"]),
    ("4", CSV + ", split: {tset: 0.2}}",
     ["1:39: field 'data.split.tset': 'tset' is not known here; did you mean 'test'?"]),
    ("4", CSV + ", split: {validation: {fold: 3}}}",
     ["1:52: field 'data.split.validation.fold': 'fold' is not known here; did you mean 'folds'?"]),
    ("4", IRIS + "space: {neurons: {lo: 3}}",
     ["2:19: field 'space.neurons.lo': 'lo' is not known here; did you mean 'low'?"]),
    ("4", IRIS + "search: {pruner: {name: median, warmup: 3}}",
     ["2:33: field 'search.pruner.warmup': pruner median has no option 'warmup'; did you mean 'n_warmup_steps'?"]),
    ("4", IRIS + "search: {pruner: {name: none, steps: 3}}",
     ["2:31: field 'search.pruner.steps': pruner none has no option 'steps'; it takes none, remove it"]),
    # 5: what is no YAML, or no text
    ("5", "data:\n\tsklearn: iris", [f"2:1: {NOT_YAML}a tab stands here; use spaces"]),
    ("5", "data: {sklearn: 'iris}\n", [f"1:17: {NOT_YAML}the quote that opens here is never closed; close it"]),
    ("5", "data: {sklearn: iris\nname: x", [f"1:7: {NOT_YAML}the mapping {{ {BRACKETS}"]),
    ("5", "data:\n  drop: [a, b\n  csv: c\n", [f"2:9: {NOT_YAML}the list [ {BRACKETS}"]),
    ("5", "data: csv: a.csv", [f"1:10: {NOT_YAML}a second ':' stands in this line, or it is indented too far; quote the "
                               "text or align the line"]),
    ("5", "data: [", [f"1:8: {NOT_YAML}the file ends before its last list or mapping does; close the brackets"]),
    ("5", "data: ]", [f"1:7: {NOT_YAML}this cannot be read as a key or a value; quote it, or check the line above"]),
    ("5", "data:\n  csv: a\n target: b", [f"3:2: {NOT_YAML}{LINE}"]),
    ("5", "data: - a", [f"1:7: {NOT_YAML}a list begins in the line of its key; begin it in the next line, or write [a, b]"]),
    ("5", 'data: {csv: "C:\\data"}',
     [f"1:17: {NOT_YAML}\\ begins an escape that YAML does not know; write \\\\, or use single quotes"]),
    ("5", 'name: "\\U99999999"', [f"1:10: {NOT_YAML}\\ and these digits name no character; write the character itself"]),
    ("5", 'data: {csv: "\\ud800", target: y}',
     ["1:13: field 'data.csv': '\\ud800' has half a character in it; write the character itself"]),
    ("5", "name: @me", [f"1:7: {NOT_YAML}this sign cannot begin a value; quote the text"]),
    ("5", "data: |x\n  a", [f"1:7: {NOT_YAML}| or > has more behind it than +, - or a digit; begin the text in the next line"]),
    ("5", "% me\nname: x", [f"1:2: {NOT_YAML}a line that begins with % is an order to YAML; a study file has none; remove it"]),
    ("5", b"name: x\ndata: \x00", [f"2:7: {NOT_YAML}the control character 0x00 stands here; remove it"]),
    ("5", b"name: x\ncsv: gr\xf6\xdfe", ["2: byte 0xf6 at offset 15 is not UTF-8; a study file is; save it as UTF-8"]),
    ("5", "name: x".encode("utf-16"), ["1: byte 0xff at offset 0 is not UTF-8; a study file is; save it as UTF-8"]),
    # 6: no mapping, or several
    ("6", "", [f"1: found nothing; a study file is a mapping; begin it with {START}"]),
    ("6", "# only a comment\n", [f"1: found nothing; a study file is a mapping; begin it with {START}"]),
    ("6", "- data\n- space", [f"1: found a list; a study file is a mapping; begin it with {START}"]),
    ("6", "data", [f"1: found a single value; a study file is a mapping; begin it with {START}"]),
    ("6", IRIS + "---\n" + IRIS, [f"2:1: {NOT_YAML}a second document begins here; a study file holds one; remove the ---"]),
    ("6", "name: x", [f" field 'data': 'data' is missing; add it, as {START}"]),
    ("6", "data:", ["1:1: field 'data': 'data' is empty; give it keys, or remove the line"]),
    ("6", "data: [1]", ["1:1: field 'data': [1] is not a mapping; write {KEY: VALUE}"]),
    ("6", IRIS + "[data]: 1", ["2:1: a list stands where a key is; a key is a name; write name: value"]),
    # 7: tags
    ("7", "data: !!python/object/apply:os.system [touch, canary]",
     ["1:7: field 'data': the tag '!!python/object/apply:os.system' is not allowed; remove it"]),
    ("7", IRIS + "name: !!str 5", ["2:7: field 'name': the tag '!!str' is not allowed; remove it"]),
    ("7", IRIS + "name: !env HOME", ["2:7: field 'name': the tag '!env' is not allowed; remove it"]),
    # 8: aliases, and what is too much
    ("8", "data: &d {sklearn: iris}\nspace: *d",
     [f"1:7: field 'space': {ALIAS}"]),
    ("8", "data: &d {drop: [*d], sklearn: iris}", [f"1:7: field 'data.drop.0': {ALIAS}"]),
    ("8", IRIS + "name: *.csv", [f"2:8: {NOT_YAML}a & or * begins an alias here, which a study file does not have; quote "
                                 "the text, or write it out"]),
    ("8", IRIS + "name: {a: &a [x, x], b: &b [*a, *a], c: [*b, *b]}",
     [f"2:11: field 'name.b.0': {ALIAS}", f"2:11: field 'name.b.1': {ALIAS}",
      f"2:25: field 'name.c.0': {ALIAS}", f"2:25: field 'name.c.1': {ALIAS}"]),
    ("8", "data: " + "[" * 50_000, ["1:26: more than 20 lists or mappings stand in one another here; a study file has at "
                                     "most 5; write it flatter"]),
    ("8", IRIS + "a: [" + "1, " * 30_000 + "]",
     ["2:29984: more than 10,000 keys and values; a study file is smaller; shorten it"]),
    ("8", b"name: " + b"x" * 1_000_000, [" the file has 1,000,006 bytes; a study file has at most 1,000,000; name another file"]),
    # 9: numbers that are none, not whole, or out of bounds
    *(("9", IRIS + f"space: {{epochs: {given}}}", [f"2:9: field 'space.epochs': {found}; {EPOCHS}"]) for given, found in [
        ("yes", "'yes' is not a number"), ("true", "true is not a number"), ('"5"', "'5' is not a number"),
        ("5.5", "5.5 is not a whole number"), ("0", "0 is out of bounds"), ("-1", "-1 is out of bounds"),
        (f"{10**30}", f"{10**30} is out of bounds"),
    ]),
    *(("9", IRIS + f"search: {{trials: {given}}}",
       [f"2:10: field 'search.trials': {found}; trials takes whole numbers 1..1000000"]) for given, found in [
        ("yes", "'yes' is not a whole number"), ("true", "true is not a whole number"),
        ('"5"', "'5' is not a whole number"), ("5.5", "5.5 is not a whole number"), ("0", "0 is out of bounds"),
        (f"{10**30}", f"{10**30} is out of bounds"),
    ]),
    ("9", IRIS + "search: {seed: 4294967296}",
     ["2:10: field 'search.seed': 4294967296 is out of bounds; seed takes whole numbers 0..4294967295"]),
    ("9", IRIS + "search: {early_stopping: {min_delta: -1}}",
     ["2:27: field 'search.early_stopping.min_delta': -1 is out of bounds; min_delta takes numbers of at least 0"]),
    ("9", CSV + ", split: {test: 1}}",
     ["1:39: field 'data.split.test': 1 is out of bounds; test takes numbers of at least 0 and below 1"]),
    ("9", CSV + ", split: {validation: 1.5}}",
     ["1:39: field 'data.split.validation': 1.5 is neither a share between 0 and 1, such as 0.2, nor {folds: 5}; write "
      "one"]),
    ("9", CSV + ", split: {validation: {folds: 1}}}",
     ["1:52: field 'data.split.validation.folds': 1 is out of bounds; folds takes whole numbers 2..100"]),
    ("9", IRIS + "search: {seed: " + "9" * 10_000 + "}",
     ["2:16: field 'search.seed': found a number of 10,000 signs; a number has at most 300; round it, or quote it"]),
    ("9", IRIS + "search: {worker_memory: much}",
     ["2:10: field 'search.worker_memory': 'much' is no size of memory; write auto, 2GB, 500MB or a number of bytes"]),
    ("9", IRIS + "search: {worker_memory: 2}",
     ["2:10: field 'search.worker_memory': 2 is 2 bytes, which no worker can have; write 1GB or more, or auto"]),
    # 10: numbers that are not finite
    ("10", IRIS + "space: {epochs: .inf}", [f"2:9: field 'space.epochs': .inf is not finite; {EPOCHS}"]),
    ("10", IRIS + "space: {dropout: .nan}",
     ["2:9: field 'space.dropout': .nan is not finite; dropout takes numbers 0..0.99"]),
    ("10", IRIS + "space: {dropout: 'nan'}",
     ["2:9: field 'space.dropout': 'nan' is not a number; dropout takes numbers 0..0.99"]),
    ("10", IRIS + "search: {stop_at: .nan}", ["2:10: field 'search.stop_at': .nan is not finite; stop_at takes numbers"]),
    ("10", IRIS + "search: {stop_at: 1e999}",
     ["2:19: field 'search.stop_at': 1e999 is too large; a number is below 1.8e308; write a smaller one"]),
    # 11: numbers that readers disagree on
    *(("11", IRIS + f"space: {{epochs: {given}}}",
       [f"2:17: field 'space.epochs': {given} is ambiguous; {taken}; {AMBIGUOUS}"]) for given, taken in [
        ("010", "some readers take it for 8"), ("1:30", "some readers take it for 90"),
        ("1_000", "some readers take it for 1000"), ("0x1F", "some readers take it for 31"),
        ("-0o17", "some readers take it for -15"), ("08", "not every reader takes it for a number"),
    ]),
    # 12: ranges
    ("12", IRIS + "space: {dropout: {low: 0.5, high: 0.1}}",
     ["2:19: field 'space.dropout.low': low 0.5 is above high 0.1; swap them"]),
    ("12", IRIS + "space: {neurons: {low: 300}}",
     ["2:19: field 'space.neurons.low': low 300 is above high 256; give high too, this one is the default"]),
    ("12", IRIS + "space: {dropout: {low: 0, high: 0.5, log: true}}",
     ["2:19: field 'space.dropout.low': low 0.0 is not above 0, which log needs; raise it or set log: false"]),
    ("12", IRIS + "space: {hidden_layers: {low: 1, high: 4, step: 2}}",
     ["2:42: field 'space.hidden_layers.step': step 2 from 1 does not reach 4; write high: 3"]),
    ("12", IRIS + "space: {dropout: {low: 0.1, high: 0.5, step: 0.3}}",
     ["2:40: field 'space.dropout.step': step 0.3 from 0.1 does not reach 0.5; write high: 0.4"]),
    ("12", IRIS + "space: {neurons: {low: 16, high: 64, step: 16, log: true}}",
     ["2:38: field 'space.neurons.step': step and log cannot go together; remove one"]),
    ("12", IRIS + "space: {dropout: {step: 0}}",
     ["2:19: field 'space.dropout.step': 0 is no step; give a number above 0"]),
    ("12", IRIS + "space: {batch_size: {low: 8}}",
     ["2:9: field 'space.batch_size.high': 'high' is missing; batch_size has no default range; give low and high"]),
    ("12", IRIS + "space: {optimizer: {low: 1}}",
     ["2:9: field 'space.optimizer': found a range; optimizer takes adam, sgd, rmsprop, adamw, nadam, adagrad, adamax, "
      "momentum, nesterov; write one, or a list of them"]),
    # 13: choices
    ("13", IRIS + "space: {activation: []}",
     ["2:9: field 'space.activation': the list of choices is empty; give at least one"]),
    ("13", IRIS + "space: {activation: {choices: []}}",
     ["2:22: field 'space.activation.choices': the list of choices is empty; give at least one"]),
    ("13", IRIS + "space: {activation: {choices: relu}}",
     ["2:22: field 'space.activation.choices': 'relu' is not a list; write choices: [a, b, ...]"]),
    ("13", IRIS + "space: {activation: [relu, tanh, relu]}",
     ["2:34: field 'space.activation.2': 'relu' stands twice; remove one"]),
    ("13", IRIS + "space: {batch_size: [16, 16.0]}", ["2:26: field 'space.batch_size.1': 16.0 stands twice; remove one"]),
    ("13", IRIS + "space: {epochs: [10, x, true, null]}",
     [f"2:22: field 'space.epochs.1': 'x' is not a number; {EPOCHS}",
      f"2:25: field 'space.epochs.2': true is not a number; {EPOCHS}",
      f"2:31: field 'space.epochs.3': null is not a number; {EPOCHS}"]),
    ("13", IRIS + "space: {epochs: [10, [20]]}", [f"2:22: field 'space.epochs.1': [20] is not a number; {EPOCHS}"]),
    ("13", IRIS + "space: {epochs: {choices: [10, {low: 3}]}}",
     [f"2:32: field 'space.epochs.choices.1': {{low: 3}} is not a number; {EPOCHS}"]),
    # 14: parameters that the table does not have, or a configuration lacks
    ("14", IRIS + "space: {momentum: 0.9}",
     ["2:9: field 'space.momentum': 'momentum' is not known here; known: hidden_layers, neurons, activation, optimizer, "
      "dropout, weight_decay, l2, learning_rate, batch_size, epochs"]),
    ("14", IRIS + "search: {start_with: [{neurons_1: 20}]}",
     ["2:23: field 'search.start_with.0': hidden_layers is missing; it decides which other parameters exist; give it "
      "first"]),
    ("14", IRIS + "space: {hidden_layers: 0, optimizer: adam, batch_size: 8, epochs: 5}\n"
                  "search: {start_with: [{}, {l2: 1}]}",
     ["3:23: field 'search.start_with.0': learning_rate is missing; it takes 0.0001..0.1, log; add it",
      "3:27: field 'search.start_with.1': 'l2' is not in this space; known: hidden_layers, optimizer, learning_rate, "
      "batch_size, epochs",
      "3:27: field 'search.start_with.1': learning_rate is missing; it takes 0.0001..0.1, log; add it"]),
    ("14", IRIS + "search: {start_with: [3]}", ["2:23: field 'search.start_with.0': 3 is not a mapping; write {KEY: VALUE}"]),
    ("14", IRIS + "search: {start_with: [{hidden_layers: 7}]}",
     ["2:23: field 'search.start_with.0': hidden_layers 7 is outside 1..4; give one of these, or widen hidden_layers"]),
    # 15: parameters of a layer that no net has
    ("15", IRIS + "space: {hidden_layers: 0, neurons: 8, dropout: 0.1}",
     ["2:27: field 'space.neurons': no net has neurons, as hidden_layers is 0; remove it, or allow a layer",
      "2:39: field 'space.dropout': no net has dropout, as hidden_layers is 0; remove it, or allow a layer"]),
    ("15", IRIS + "space: {hidden_layers: [0, 1], activation: relu, optimizer: adam, dropout: 0, learning_rate: 0.1,"
                  " batch_size: 8, epochs: 5}\nsearch: {start_with: [{hidden_layers: 1, neurons_1: 16, neurons_2: 16}]}",
     ["3:23: field 'search.start_with.0': 'neurons_2' is not in this space; did you mean 'neurons_1'?"]),
    ("15", IRIS + "space: {neurons: 16, activation: relu, optimizer: adam, dropout: 0, learning_rate: 0.1, batch_size: 8,"
                  " epochs: 5}\nsearch: {start_with: [{hidden_layers: 1, neurons_1: 16, neurons_2: 16}]}",
     ["3:23: field 'search.start_with.0': neurons_2 does not exist in a net with 1 hidden layer; remove it, or give more "
      "hidden_layers"]),
    # 16: names of samplers, pruners, metrics, losses, directions
    ("16", IRIS + "search: {sampler: anneal}",
     ["2:10: field 'search.sampler': 'anneal' is no sampler; known: tpe, random, grid, qmc, cmaes, nsga2, "
      "keras-tuner/random, keras-tuner/bayesian, keras-tuner/hyperband, keras-tuner/grid"]),
    ("16", IRIS + "search: {sampler: 3}",
     ["2:10: field 'search.sampler': 3 is neither a name nor a mapping; write NAME, or {name: NAME, OPTION: VALUE}"]),
    ("16", IRIS + "search: {sampler: {group: true}}", ["2:10: field 'search.sampler.name': 'name' is missing; add it"]),
    ("16", IRIS + "search: {pruner: medain}", ["2:10: field 'search.pruner': 'medain' is no pruner; did you mean 'median'?"]),
    ("16", IRIS + "search: {pruner: threshold}",
     ["2:10: field 'search.pruner': pruner threshold needs a bound; write {name: threshold, upper: NUMBER} (or lower)"]),
    ("16", IRIS + "search: {objective: RSME}", ["2:10: field 'search.objective': 'RSME' is no metric; did you mean 'rmse'?"]),
    ("16", IRIS + "search: {objective: cost}",
     ["2:10: field 'search.objective': 'cost' is no metric; known: rmse, mae, r2, log_loss, accuracy, "
      "balanced_accuracy, f1, roc_auc"]),
    ("16", IRIS + "search: {objective: log_loss, direction: maximize}",
     ["2:31: field 'search.direction': 'direction' is not known here; every metric brings its direction along; remove it"]),
    ("16", IRIS + "search: {loss: 3}",
     ["2:10: field 'search.loss': 3 is no loss; known: mse, mae, huber, binary_crossentropy, "
      "sparse_categorical_crossentropy"]),
    ("16", "data: {sklearn: irs}",
     ["1:8: field 'data.sklearn': 'irs' is not allowed; sklearn takes diabetes, breast_cancer, wine, digits, iris; did "
      "you mean 'iris'?"]),
    # 17: a grid that has no end
    ("17", IRIS + "space: {dropout: 0}\nsearch: {sampler: grid}",
     ["3:10: field 'search.sampler': learning_rate is continuous, which a grid cannot walk; list choices or give a step"]),
    ("17", IRIS + "space: {dropout: {low: 0, high: 0.5}, learning_rate: 0.1}\nsearch: {sampler: grid}",
     ["2:9: field 'space.dropout': dropout is continuous, which a grid cannot walk; list choices or give a step"]),
    ("17", IRIS + "space: {dropout: {step: 1e-12}}",
     ["2:19: field 'space.dropout.step': step 1e-12 makes more than 1,000,000,000 values; raise or remove it"]),
    # 18: counts and times
    ("18", IRIS + "search: {trials: 0, timeout: 0, workers: 0}",
     ["2:10: field 'search.trials': 0 is out of bounds; trials takes whole numbers 1..1000000",
      f"2:21: field 'search.timeout': 0 {DURATION}", f"2:33: field 'search.workers': 0 {WORKERS}"]),
    ("18", IRIS + "search: {trials: -1, timeout: -5s, workers: -1}",
     ["2:10: field 'search.trials': -1 is out of bounds; trials takes whole numbers 1..1000000",
      f"2:22: field 'search.timeout': '-5s' {DURATION}", f"2:36: field 'search.workers': -1 {WORKERS}"]),
    ("18", IRIS + "search: {workers: 1025}", [f"2:10: field 'search.workers': 1025 {WORKERS}"]),
    ("18", IRIS + "search: {workers: many}", [f"2:10: field 'search.workers': 'many' {WORKERS}"]),
    # 19: paths that can be none
    ("19", "data: {csv: 'https://x.org/a.csv', target: y}",
     ["1:8: field 'data.csv': 'https://x.org/a.csv' is an address; data are read from files; download it and give its "
      "path"]),
    ("19", "data: {csv: '', target: y}", ["1:8: field 'data.csv': '' is empty; write TEXT, or remove 'csv'"]),
    ("19", "data: {csv: 5, target: y}", ["1:8: field 'data.csv': 5 is not text; quote it"]),
    ("19", 'data: {csv: "a\\0b", target: y}',
     ["1:8: field 'data.csv': 'a\\x00b' has a null character in it; no file has; give the path of a file"]),
    # 20: names of studies
    *(("20", IRIS + f"name: {given}", [f"2:1: field 'name': {shown} is no study name; {SLUG}"]) for given, shown in [
        ("a/b", "'a/b'"), ("..", "'..'"), ('"a\\nb"', "'a\\nb'"), ("x" * 600, f"'{'x' * 56}..."),
        ("\U0001f600", "'\U0001f600'"), ("<script>", "'<script>'"), ("-rf", "'-rf'"), ("''", "''"), ("5", "5"),
        ('"\\e[31mred"', "'\\x1b[31mred'"),
    ]),
    ("20", IRIS + f"description: {'x' * 6000}",
     [f"2:1: field 'description': '{'x' * 56}... is not allowed; description takes at most 5,000 characters"]),
    # what belongs together in a section
    ("14", "data: {csv: a.csv, parquet: b.parquet, target: y}",
     ["1:1: field 'data': data needs exactly one of csv, parquet, sklearn; found csv and parquet, keep one"]),
    ("14", "data: {target: y}",
     ["1:1: field 'data': data needs exactly one of csv, parquet, sklearn; found none, add csv: FILE"]),
    ("14", "data: {csv: a.csv}", ["1:1: field 'data.target': the column to predict is missing; add target: NAME"]),
    ("14", CSV + ", features: [a], drop: [b]}",
     ["1:46: field 'data.drop': 'features' and 'drop' say the same thing twice; keep one"]),
    ("14", CSV + ", categorical: [a, b], numeric: [b]}",
     ["1:52: field 'data.numeric': 'b' cannot be both categorical and numeric; keep one"]),
    ("14", CSV + ", time_ordered: t, split: {shuffle: true}}",
     ["1:31: field 'data.time_ordered': time order excludes split.column, shuffle and stratify; remove one"]),
    ("14", CSV + ", split: {column: part, test: 0.1}}",
     ["1:39: field 'data.split.column': 'column' brings its own split; remove test"]),
    ("14", CSV + ", separator: tab}", ["1:31: field 'data.separator': 'tab' is not allowed; separator takes one character"]),
    ("14", CSV + ", features: []}", ["1:31: field 'data.features': [] is empty; list at least one, or remove 'features'"]),
    ("14", CSV + ", drop: b}", ["1:31: field 'data.drop': 'b' is not a list; write [a, b]"]),
    ("14", CSV + ", drop: [3]}", ["1:38: field 'data.drop.0': 3 is not text; quote it"]),
    # names that would move the cursor, or fill the screen
    ("20", IRIS + '"\\e[2J\\e[31m": 1', [f"2:1: field '\\x1b[2J\\x1b[31m': '\\x1b[2J\\x1b[31m' is not known here; {SECTIONS}"]),
    ("20", IRIS + "? " + "x" * 10_000 + "\n: 1",
     [f"2:3: field '{'x' * 117}...': '{'x' * 56}... is not known here; {SECTIONS}"]),
    ("20", IRIS + "".join(f"key{n}: 1\n" for n in range(400)),
     [f"{n + 2}:1: field 'key{n}': 'key{n}' is not known here; {SECTIONS}" for n in range(50)]
     + [" and 350 more; mend these first"]),
]  # fmt: skip
