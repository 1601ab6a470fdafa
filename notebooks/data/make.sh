#!/bin/sh
# Makes the three files anew; needs ffmpeg, espeak-ng and the DejaVu fonts (Debian: ffmpeg espeak-ng fonts-dejavu-core).
set -eu
cd "$(dirname "$0")"
letters="fontfile=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf:fontcolor=black:fontsize=16"

bar() { # left edge, month, revenue, colour
    height=$((220 * $3 / 2100))
    printf "drawbox=x=%s:y=%s:w=70:h=%s:color=%s:t=fill," "$1" $((280 - height)) "$height" "$4"
    printf "drawtext=%s:text=%s:x=%s-tw/2:y=292," "$letters" "$2" $(($1 + 35))
    printf "drawtext=%s:text=%s:x=%s-tw/2:y=%s," "$letters" "$3" $(($1 + 35)) $((258 - height))
}

# A bar chart on white, over a black base line.
ffmpeg -v error -y -f lavfi -i color=white:s=480x320 -frames:v 1 -pix_fmt rgb24 -bitexact -vf "$(
    bar 40 Jan 1280 0xDC2828
    bar 145 Feb 1440 0x28A046
    bar 250 Mar 2100 0x325AD2
    bar 355 Apr 1650 0xF5961E
)drawbox=x=20:y=280:w=440:h=3:color=black:t=fill,drawtext=$letters:text=Revenue:x=20:y=12" revenue.png

# A red square that bounces over a black floor from left to right, three seconds long.
ffmpeg -v error -y -f lavfi -i color=white:s=320x180:r=12:d=3 -f lavfi -i color=0xDC2828:s=40x40:r=12:d=3 \
    -filter_complex "[0][1]overlay=x='(W-w)*t/2.92':y='H-h-10-abs(sin(t*PI))*100':shortest=1,
        drawbox=y=170:h=10:w=320:color=black:t=fill" \
    -c:v libx264 -crf 30 -preset veryslow -pix_fmt yuv420p -movflags +faststart -bitexact bounce.mp4

# A voice that asks: what is six times seven?
espeak-ng -v en-us -s 140 --stdout "What is six times seven?" |
    ffmpeg -v error -y -i - -af "silenceremove=stop_periods=-1:stop_threshold=-50dB:stop_duration=0.3" \
        -ac 1 -ar 16000 -bitexact question.wav
