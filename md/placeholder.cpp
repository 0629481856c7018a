// replaced by the training module
