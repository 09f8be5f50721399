# SPDX-License-Identifier: GPL-2.0
"""Reads a JSON report, and gives each stack its frames in place of their numbers."""

import json


def read_report(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    frames = report["frames"]
    for stack in report["stacks"] + report["tensors"]:
        stack["frames"] = [frames[number] for number in stack["frames"]]
    return report
