"""All the ways in which exports go wrong in real life, each applied to one file of a company.

A `harmless` one must change no figure; every other one must leave the figures right, be warned about, or stop the run.
"""

from health_assets_tests.hostile.of_files import OF_FILES
from health_assets_tests.hostile.of_values import OF_VALUES

MUTATIONS = (*OF_FILES, *OF_VALUES)
