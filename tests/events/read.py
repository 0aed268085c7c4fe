"""Prints as JSON what TensorBoard's own reader finds in a run: read.py RUN

Nothing is purged, so that a step which is there twice shows.
"""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator

reader = event_accumulator.EventAccumulator(
    sys.argv[1],
    size_guidance={event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0},
    purge_orphaned_data=False,
)
reader.Reload()
tags = reader.Tags()
found = {tag: [[e.step, e.value] for e in reader.Scalars(tag)] for tag in tags["scalars"]}
for tag in tags["tensors"]:
    assert reader.SummaryMetadata(tag).plugin_data.plugin_name == "text"
    texts = [[e.step, [s.decode() for s in e.tensor_proto.string_val]] for e in reader.Tensors(tag)]
    found[tag] = [[step, text[0]] for step, text in texts]
json.dump(found, sys.stdout)
