"""What scores text: PPM, ORM and PQM; objectives, batches, model, training, pair accuracy."""
