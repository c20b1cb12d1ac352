//! evertill-documents
