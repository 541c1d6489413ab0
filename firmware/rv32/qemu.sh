#!/bin/sh
# Runs an image of this folder in QEMU, with arguments as a program has them; the exit status is the program's.
#
#     ./qemu.sh measure.elf es5 bytecode pool=147456

set -eu

image=$1
shift
arguments=
for argument; do arguments=$arguments,arg=$argument; done

# A program that crashes there traps for ever, hence the time limit. One instruction is one tick, so that every run is the same.
exec timeout 120 qemu-system-riscv32 -M virt -bios none -nographic -monitor none -serial none -icount shift=0 \
  -semihosting-config enable=on,target=native"$arguments" -kernel "$image"
