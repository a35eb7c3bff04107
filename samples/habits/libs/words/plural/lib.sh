plural() { echo "$1s"; }
