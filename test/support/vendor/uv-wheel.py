# Makes the wheel of uv as its project does, of the program alone: uv-wheel.py PROGRAM FOLDER
import base64, hashlib, os, subprocess, sys, zipfile

program, target = sys.argv[1:]
os.chmod(program, 0o755)
version = subprocess.run([program, '--version'], capture_output=True, text=True, check=True).stdout.split()[1]
tag = 'py3-none-manylinux_2_17_x86_64'
info = f'uv-{version}.dist-info'
content = {
    f'uv-{version}.data/scripts/uv': open(program, 'rb').read(),
    'uv/__init__.py': b'',
    'uv/__main__.py': b"import os, sys, sysconfig\nuv = os.path.join(sysconfig.get_path('scripts'), 'uv')\nos.execv(uv, [uv, *sys.argv[1:]])\n",
    f'{info}/METADATA': f'Metadata-Version: 2.1\nName: uv\nVersion: {version}\n'.encode(),
    f'{info}/WHEEL': f'Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n'.encode(),
}
record = ''
for path, data in content.items():
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()
    record += f'{path},sha256={digest},{len(data)}\n'
content[f'{info}/RECORD'] = f'{record}{info}/RECORD,,\n'.encode()
with zipfile.ZipFile(f'{target}/uv-{version}-{tag}.whl', 'w', zipfile.ZIP_DEFLATED) as out:
    for path, data in content.items():
        entry = zipfile.ZipInfo(path)
        entry.external_attr = 0o100755 << 16
        out.writestr(entry, data, zipfile.ZIP_DEFLATED)
