//! Views that node and hub share at their API.
