#!/bin/sh
# Chromium as Playwright starts it, without the two pages that it prepares beside each tab for suggestions under an
# address bar: half of its work here. It heeds only the last list of features, so they are added to Playwright's own.
for one; do
  shift
  case $one in --disable-features=*) one="$one,WebUIOmniboxPopup,WebUIOmniboxAimPopup" ;; esac
  set -- "$@" "$one"
done
exec chromium "$@"
