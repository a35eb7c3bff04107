#!/bin/bash
cd "$TMT_TEST_DATA" || exit
echo "of no interest" >scratch
echo "a report" >report.txt
tmt-file-submit -l report.txt
