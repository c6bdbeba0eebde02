"""The parts of gradcheck: differences, what backward and forward mode give, and what is asked of them besides."""
