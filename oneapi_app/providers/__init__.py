"""Vendors as data: one small file each, ending in ``PROVIDER``. No network, no database, no clock."""
