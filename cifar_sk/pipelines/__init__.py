"""Model names to pipelines, and parameters from text, files and studies."""
