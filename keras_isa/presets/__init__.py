"""Settings of a run: presets by name, and settings derived from the data and the hardware."""

from keras_isa.asset.recipe import Recipe as Recipe
from keras_isa.asset.recipe import dc_recipe as dc_recipe
from keras_isa.presets.choose import derive_settings as derive_settings
from keras_isa.presets.choose import preset_for as preset_for
from keras_isa.presets.choose import settings_for as settings_for
from keras_isa.presets.config import Config as Config
from keras_isa.presets.config import described as described
from keras_isa.presets.config import setting as setting
from keras_isa.presets.preset_file import preset_names as preset_names
from keras_isa.presets.preset_file import read_preset as read_preset
from keras_isa.presets.settings import Settings as Settings
from keras_isa.presets.table import format_preset_table as format_preset_table
from keras_isa.presets.table import preset_table as preset_table
