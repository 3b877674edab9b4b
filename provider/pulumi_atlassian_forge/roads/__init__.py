"""The roads to the API: who may ask, by which address, and whose installation that is. docs/guide/roads.md is their guide."""
