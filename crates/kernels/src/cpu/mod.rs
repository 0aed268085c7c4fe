//! Kernels of the Flex backend.
