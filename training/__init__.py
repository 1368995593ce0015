"""How a release is made and judged: base encoder, fine-tuning, export, calibration, evaluation."""
