"""A dossier: what somebody else measured, checkable here. All runs of a plan, failed ones too, numbered and chained by hashes.

Raw samples are in it, so that anybody can derive every figure and verdict again.
"""
