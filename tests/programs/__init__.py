"""Tests of expctl.programs."""
