"""What `cifar_sk.datasets` is made of: readers, checks, and where CIFAR is looked for."""
