#!/usr/bin/env bash
# Makes objects for the test `agreement`, from public sources that Debian packages hold: the kernel's own BPF
# self-tests, and the objects that xdp-tools ships.
#
#     bpf/tests/corpus.sh [FOLDER]
#
# FOLDER is $TUTOR_BPF_CORPUS, or tutor-bpf-corpus in the cache folder. It takes 140 MB to fetch, 220 MB to keep, and some minutes; what
# is there already is not made again. Each program is compiled by every clang here, with the ISA versions it knows
# in turn. Programs that a compiler refuses are counted and left out.
set -euo pipefail

folder=${1:-${TUTOR_BPF_CORPUS:-${XDG_CACHE_HOME:-$HOME/.cache}/tutor-bpf-corpus}}
source_package=linux-source-6.1
jobs=${JOBS:-$(nproc)}
mkdir -p "$folder"
cd "$folder"

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null && continue
		echo "corpus.sh: cannot go on: there is no \`$tool\` here" >&2
		exit 1
	done
}
need apt-get dpkg-deb tar xz bpftool clang

if [[ ! -d linux ]]; then
	apt-get download "$source_package"
	mkdir -p linux.part
	dpkg-deb --fsys-tarfile "$source_package"_*.deb | tar -xO "./usr/src/$source_package.tar.xz" |
		tar -xJ -C linux.part --strip-components=1 "$source_package/tools/testing/selftests/bpf" \
			"$source_package/tools/include" "$source_package/tools/arch" "$source_package/tools/lib/bpf" "$source_package/scripts/bpf_doc.py" \
			"$source_package/include/uapi"
	rm -f "$source_package"_*.deb
	mv linux.part linux
fi
if [[ ! -d shipped ]]; then
	apt-get download xdp-tools libxdp1
	mkdir -p shipped.part
	for package in xdp-tools_*.deb libxdp1_*.deb; do
		dpkg-deb -x "$package" shipped.part
	done
	rm -f xdp-tools_*.deb libxdp1_*.deb
	mv shipped.part shipped
fi

include=include
if [[ ! -f $include/vmlinux.h ]]; then
	mkdir -p $include/bpf
	if [[ ! -r /sys/kernel/btf/vmlinux ]]; then
		echo "corpus.sh: cannot make vmlinux.h: this kernel has no /sys/kernel/btf/vmlinux" >&2
		exit 1
	fi
	bpftool btf dump file /sys/kernel/btf/vmlinux format c >$include/vmlinux.h.part
	cp linux/tools/lib/bpf/*.h $include/bpf/
	python3 linux/scripts/bpf_doc.py --header --file linux/tools/include/uapi/linux/bpf.h \
		>$include/bpf/bpf_helper_defs.h
	mv $include/vmlinux.h.part $include/vmlinux.h
fi

compile() {
	local clang=$1 version=$2 cpu=$3 program=$4
	local object=objects/$version-$cpu/$(basename "$program" .c).o
	[[ -e $object || -e $object.refused ]] && return 0
	mkdir -p "objects/$version-$cpu"
	if timeout 60 "$clang" -g -O2 -target bpf -mcpu="$cpu" -mlittle-endian -w -D__TARGET_ARCH_x86 -D__x86_64__ \
		-Iinclude -Ilinux/tools/include/uapi -Ilinux/tools/include -Ilinux/tools/testing/selftests/bpf \
		-I"/usr/include/$(uname -m)-linux-gnu" -c "$program" -o "$object.part" 2>/dev/null; then
		mv "$object.part" "$object"
	else
		rm -f "$object.part"
		touch "$object.refused"
	fi
}
export -f compile

for clang in clang clang-{13..24}; do
	command -v "$clang" >/dev/null || continue
	version=$("$clang" -dumpversion | cut -d. -f1)
	[[ $clang == clang && -n $(command -v "clang-$version") ]] && continue
	cpus=()
	for cpu in v1 v2 v3 v4; do
		echo 'int f(void) { return 0; }' |
			"$clang" -target bpf -mcpu=$cpu -x c -c - -o /dev/null 2>/dev/null && cpus+=("$cpu")
	done
	number=0
	for program in linux/tools/testing/selftests/bpf/progs/*.c; do
		echo "$clang $version ${cpus[number++ % ${#cpus[@]}]} $program"
	done
done | xargs -P "$jobs" -L 1 bash -c 'compile "$@"' compile

mkdir -p objects/shipped
find shipped -name '*.o' -exec cp -n {} objects/shipped/ \;
echo "$(find objects -name '*.o' | wc -l) objects in $folder/objects," \
	"$(find objects -name '*.refused' | wc -l) programs refused by a compiler"
