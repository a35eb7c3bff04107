#!/bin/bash
if [ "$TMT_REBOOT_COUNT" = 0 ]; then
    echo "before the reboot"
    tmt-reboot
fi
echo "after the reboot"
