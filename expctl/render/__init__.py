"""Values to table, json, jsonl, csv, md and id. The only importer of rich and of plotting. Computes nothing."""
