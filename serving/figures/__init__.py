"""The leadership's figures: periods, counts from the roll-up, the sentence, the sheets, the page."""
