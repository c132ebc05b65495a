"""Addresses that are not out on the internet, however they are written."""

import pytest

from oneapi_app.kit.public_address import is_public

INSIDE = """
127.0.0.1 127.255.255.254 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1
100.100.100.200 192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1:: 2002:c0a8:101:: 2001::1
2001:0:7f00:1:: 2001:db8::1 100::1 64:ff9b:1::1
"""
OUTSIDE = "8.8.8.8 1.1.1.1 172.32.0.1 100.63.255.255 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::"


@pytest.mark.parametrize("address", INSIDE.split())
def test_inside(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_outside(address):
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "8.8.8.8/32", "%eth0", "1" * 400])
def test_what_is_no_address(text):
    assert not is_public(text)
