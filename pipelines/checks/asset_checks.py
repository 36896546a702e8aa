ASSET_CHECKS: list = []
