#!/bin/sh
# Installs lwtui from /src (or the folder LWTUI_SOURCE) into the environment /opt/lwtui (or LWTUI_VENV):
#
#     docker_install.sh cpu|cuda EXTRA,EXTRA,…
set -eu

accelerator=$1 extras=$2
source=${LWTUI_SOURCE:-/src} python=${LWTUI_VENV:-/opt/lwtui}/bin/python

# GGML_NATIVE would use what the building processor has, and crash on an older one.
switches="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF -DCMAKE_PROJECT_llama.cpp_INCLUDE=$source/packaging/llama_cpp.cmake"
case $accelerator in
cpu) index=https://download.pytorch.org/whl/cpu ;;
cuda) index= switches="$switches -DGGML_CUDA=ON" ;;
*)
    echo "ACCELERATOR must be cpu or cuda, not $accelerator" >&2
    exit 2
    ;;
esac

# PyPI's build of PyTorch brings several gigabytes of CUDA libraries.
case ,$extras, in
*,train,*)
    version=$(sed -n 's/^torch==//p' "$source/constraints.txt")
    if [ -n "$index" ]; then
        "$python" -m pip install --no-deps --index-url "$index" "torch==$version"
    fi
    ;;
esac
CMAKE_ARGS=$switches "$python" -m pip install --constraint "$source/constraints.txt" "$source${extras:+[$extras]}"
"$python" -m lwtui --version
