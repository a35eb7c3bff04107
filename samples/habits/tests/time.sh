#!/bin/bash
echo "duration save" >&"$ATEX_TEST_CONTROL"
sleep 1 # an upload, perhaps
echo "duration restore" >&"$ATEX_TEST_CONTROL"
echo "duration +30s" >&"$ATEX_TEST_CONTROL"
