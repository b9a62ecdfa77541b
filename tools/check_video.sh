#!/usr/bin/env bash
# Video through pisr_upscale with a real ffmpeg at both ends: frames, rate, aspect, format and range arrive; luminance of
# full and limited range is the same picture; chroma lies where zimg puts it; a killed run continues to the same bytes;
# memory does not grow with the length. Prints frames a second from 640x360 with two threads. Skipped without ffmpeg.
# usage: tools/check_video.sh [BUILD_FOLDER [MODEL]]   (build/dev; the built-in weights for x2)
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/dev}
program=$(realpath "$build/tools/pisr_upscale")

say() { printf 'check_video: %s\n' "$*"; }
fail() {
  echo "check_video: error: $*" >&2
  exit 1
}
for needed in ffmpeg ffprobe; do
  if ! command -v $needed >/dev/null; then
    say "SKIPPED, video is not checked: no $needed (apt-get install ffmpeg)"
    exit 0
  fi
done

weights=()
if [ -n "${2:-}" ]; then
  weights=(-m "$(realpath "$2")")
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
upscale() { "$program" "${weights[@]}" -g cpu "$@"; }
# The last argument is the output, which -strict -1 must precede: YUV4MPEG2 of 10 bits.
ff() { ffmpeg -nostdin -v error "${@:1:$#-1}" -strict -1 "${@: -1}"; }
source_of() { # source_of FORMAT SIZE FRAMES [RANGE]
  ff -f lavfi -i "testsrc2=size=640x360:rate=24000/1001,scale=${2/x/:}:out_range=${4:-tv},setsar=4/3" -frames:v "$3" -pix_fmt "$1" \
    -color_range "${4:-tv}" -f yuv4mpegpipe -
}
facts() { # facts FILE: what ffprobe says of its stream, and the number of frames that it decodes
  ffprobe -v error -count_frames -select_streams v -of default=noprint_wrappers=1:nokey=1 \
    -show_entries stream=width,height,pix_fmt,color_range,sample_aspect_ratio,r_frame_rate,nb_read_frames "$1" | tr '\n' ' '
}

source_of yuv420p 64x48 1 >one.y4m
upscale --y4m -i one.y4m -o large.y4m
scale=$(($(facts large.y4m | cut -d ' ' -f 1) / 64))

say "frames, rate, aspect, format and range, of odd sizes too"
for format in yuv420p yuv422p yuv444p gray yuv420p10le yuv422p10le yuv444p10le gray10le; do
  width=35
  # At an odd width ffmpeg 5.1 writes a byte too few of each row of chroma of 10 bits.
  case $format in *10le) width=36 ;; esac
  for range in tv pc; do
    source_of $format ${width}x27 7 $range >in.y4m
    upscale --y4m -i - -o - <in.y4m | cat >out.y4m
    wanted=$(facts in.y4m | sed "s/^$width 27 /$((width * scale)) $((27 * scale)) /")
    [ "$(facts out.y4m)" = "$wanted" ] || fail "$format, $range: got '$(facts out.y4m)', wanted '$wanted'"
    case $wanted in *"24000/1001"*" 7 "*) ;; *) fail "$format: the source is not as it should be: $wanted" ;; esac
  done
done
# Raw video has its chroma at the left.
source_of yuv420p 64x48 9 | sed '1s/C420jpeg/C420mpeg2/' >in.y4m
upscale --y4m -i - -o - <in.y4m | ff -f yuv4mpegpipe -i - -f framemd5 - | grep -v '^#' >piped.md5
[ "$(wc -l <piped.md5)" = 9 ] || fail "ffmpeg reads $(wc -l <piped.md5) of 9 frames from a pipe"
ff -i in.y4m -f rawvideo in.yuv
upscale --raw-video 64x48:yuv420p -i in.yuv -o out.yuv
ff -f rawvideo -pix_fmt yuv420p -s $((64 * scale))x$((48 * scale)) -i out.yuv -f framemd5 - | grep -v '^#' >raw.md5
cmp <(cut -d , -f 6 piped.md5) <(cut -d , -f 6 raw.md5) || fail "raw video and YUV4MPEG2 differ"

psnr_of() { # psnr_of LETTER A B FILTER: the least PSNR of a plane over the frames
  ff -i "$2" -i "$3" -lavfi "$4psnr=stats_file=psnr.log" -f null - && grep -o "psnr_$1:[^ ]*" psnr.log | cut -d : -f 2 |
    sed 's/inf/99/' | sort -n | head -n 1
}
at_least() { awk -v got="$1" -v least="$2" 'BEGIN { exit !(got >= least) }'; }

say "full and limited range are the same picture"
for range in tv pc; do
  ff -f lavfi -i "testsrc2=size=96x64,format=yuv444p,gblur=sigma=1.5" -frames:v 3 -vf "scale=out_range=$range" \
    -pix_fmt yuv444p -color_range $range -f yuv4mpegpipe $range.y4m
  upscale --y4m -i $range.y4m -o large_$range.y4m
done
got=$(psnr_of y large_tv.y4m large_pc.y4m '[0:v]scale=in_range=tv:out_range=pc[a];[a][1:v]')
at_least "$got" 44 || fail "luminance of the two ranges differs: PSNR $got dB"
got=$(psnr_of y large_tv.y4m large_pc.y4m '[0:v][1:v]')
at_least 35 "$got" || fail "the check of ranges cannot fail: PSNR $got dB without conversion"

say "chroma lies where zimg puts it"
if grep -q ' zscale ' <<<"$(ffmpeg -hide_banner -filters 2>/dev/null)"; then
  ff -f lavfi -i "testsrc2=size=96x64,format=yuv420p" -frames:v 2 -f yuv4mpegpipe plain.y4m
  for siting in jpeg:center mpeg2:left paldv:topleft; do
    sed "1s/C420[a-z0-9]*/C420${siting%:*}/;1s/ XYSCSS=[^ ]*//" plain.y4m >sited.y4m
    rm -f large.y4m
    upscale --y4m -i sited.y4m -o large.y4m
    grep -aq "^YUV4MPEG2.* C420${siting%:*}" large.y4m || fail "the output does not say C420${siting%:*}"
    for place in center left topleft; do
      ff -y -i plain.y4m -vf "zscale=w=$((96 * scale)):h=$((64 * scale)):filter=bicubic:param_a=0:param_b=0.5:dither=none:chromalin=$place:chromal=$place" \
        -f yuv4mpegpipe zimg.y4m
      got=$(psnr_of u large.y4m zimg.y4m '[0:v][1:v]')
      if [ $place = "${siting#*:}" ]; then
        at_least "$got" 48 || fail "C420${siting%:*}: PSNR to zimg's chroma $got dB"
      else
        at_least 46 "$got" || fail "the check of siting cannot fail: C420${siting%:*} and $place: $got dB"
      fi
    done
  done
else
  say "SKIPPED, chroma is not compared: this ffmpeg has no zscale"
fi

say "killed in the middle and continued: the same bytes"
source_of yuv420p 160x120 200 >in.y4m
upscale --y4m -i in.y4m -o whole.y4m
wait_for() { # wait_for FILE BYTES
  for _ in $(seq 2000); do
    [ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -lt "$2" ] || return 0
    sleep 0.005
  done
  fail "'$1' does not grow"
}
header=$(head -n 1 whole.y4m | wc -c)
frame=$((6 + 160 * 120 * scale * scale * 3 / 2))
kill_it() { # kill_it FILE: the job of the background, once the file has frames
  local job=$!
  disown # so that bash does not tell of it
  wait_for "$1" $((header + 3 * frame))
  kill -KILL "$job"
  while kill -0 "$job" 2>/dev/null; do sleep 0.01; done
}
"$program" "${weights[@]}" -g cpu --y4m -i <(ff -re -i in.y4m -f yuv4mpegpipe - 2>/dev/null) -o - >cut.y4m &
kill_it cut.y4m
frames=$((($(stat -c %s cut.y4m) - header) / frame))
[ $frames -lt 200 ] || fail "it was killed too late"
head -c $((header + frames * frame)) cut.y4m >joined.y4m
upscale --y4m -i in.y4m -o - --start-frame $frames --no-header >>joined.y4m
cmp whole.y4m joined.y4m || fail "the joined video differs"
"$program" "${weights[@]}" -g cpu --y4m -i <(ff -re -i in.y4m -f yuv4mpegpipe - 2>/dev/null) -o file.y4m &
kill_it file.y4m.part
upscale --y4m -i in.y4m -o file.y4m --continue
cmp whole.y4m file.y4m || fail "the continued video differs"

say "memory does not depend on the length"
memory_of() { # memory_of FRAMES: the program's peak in KiB
  source_of yuv420p 320x180 "$1" >in.y4m
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$program" "${weights[@]}" -g cpu --y4m -i in.y4m -o -
}
short=$(memory_of 20) long=$(memory_of 300)
say "peak $((short / 1024)) MiB of 20 frames, $((long / 1024)) MiB of 300 frames"
[ "$long" -lt $((short + short / 10 + 4096)) ] || fail "memory grows with the length"

source_of yuv420p 640x360 100 >in.y4m
start=$(date +%s%N)
upscale --y4m -i in.y4m -o - -j 2 >/dev/null
awk -v ns=$(($(date +%s%N) - start)) -v scale="$scale" \
  'BEGIN { printf "check_video: %.1f frames/s from 640x360 to %dx%d, 2 threads\n", 100 / (ns / 1e9), 640 * scale, 360 * scale }'
say "passed"
