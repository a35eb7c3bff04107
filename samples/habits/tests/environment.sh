#!/bin/bash
echo "$GREETING, $NAME, in ${TMT_TEST_NAME}"
grep ^summary: "$TMT_TEST_METADATA"
[ -f "$TMT_TREE/data/words" ] && [ "$PWD" = "$TMT_TREE/tests" ]
