"""Where a run goes wrong: confusions, hard samples, hard images, suspected labels."""
