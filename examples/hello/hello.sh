#!/usr/bin/env bash
echo "Hello from $(uname -s)! This folder has $(ls | wc -l) files."
