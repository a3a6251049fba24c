"""Made talking-head clips with known truth: a portrait whose mouth follows synthetic speech."""
