"""One source: source.yml, contract.py and README.md."""
