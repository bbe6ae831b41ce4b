# Makes wheels of what Debian's python3-* packages have installed: wheels.py FOLDER
import base64, hashlib, os, re, subprocess, sys, sysconfig, zipfile

site = '/usr/lib/python3/dist-packages'
target = sys.argv[1]
os.makedirs(target, exist_ok=True)


def files_of(package):
    listed = subprocess.run(['dpkg', '-L', package], capture_output=True, text=True).stdout.split('\n')
    return [f for f in listed if f.startswith(f'{site}/') and os.path.isfile(f)]


def package_of(info):
    found = subprocess.run(['dpkg', '-S', f'{site}/{info}'], capture_output=True, text=True).stdout
    return re.split('[:,]', found)[0]


def depends_of(package):
    shown = subprocess.run(['dpkg-query', '-W', '-f', '${Depends}', package], capture_output=True, text=True).stdout
    return [one.split()[0].split(':')[0] for one in shown.split(',') if one.strip()]


def normal(name):
    return re.sub('[-_.]+', '-', name).lower()


# Debian takes copies of other packages out, and depends on them instead; so must the wheel.
def with_debians_requirements(metadata, packages):
    head, _, rest = metadata.partition('\n\n')
    named = {normal(name) for name in re.findall('^(?:Name|Requires-Dist): ([\\w.-]+)', head, re.M)}
    needed = {distributions[one] for package in packages for one in depends_of(package) if one in distributions}
    added = [f'Requires-Dist: {name}' for name in sorted(needed) if normal(name) not in named]
    return '\n'.join([head, *added]) + f'\n\n{rest}'


def wheel(info):
    package = package_of(info)
    # What has no metadata of its own is a part that Debian keeps apart.
    parts = [one for one in depends_of(package) if one not in distributions and one.startswith('python3-')]
    packages = [package, *parts]
    files = [file for one in packages for file in files_of(one)]
    kind = 'METADATA' if info.endswith('.dist-info') else 'PKG-INFO'
    metadata = with_debians_requirements(open(f'{site}/{info}/{kind}', encoding='utf8').read(), packages)
    name = re.search('^Name: (.+)$', metadata, re.M)[1].strip()
    version = re.search('^Version: (.+)$', metadata, re.M)[1].strip()
    stem = f'{re.sub("[-_.]+", "_", name)}-{version}'
    python = f'cp3{sys.version_info.minor}'
    native = any(f.endswith('.so') for f in files)
    tag = f'{python}-{python}-{sysconfig.get_platform().replace("-", "_")}' if native else 'py3-none-any'
    content = {f[len(site) + 1 :]: open(f, 'rb').read() for f in files if not f.startswith(f'{site}/{info}/')}
    content[f'{stem}.dist-info/METADATA'] = metadata.encode()
    content[f'{stem}.dist-info/WHEEL'] = f'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n'.encode()
    if os.path.exists(entries := f'{site}/{info}/entry_points.txt'):
        content[f'{stem}.dist-info/entry_points.txt'] = open(entries, 'rb').read()
    record = ''
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()
        record += f'{path},sha256={digest},{len(data)}\n'
    content[f'{stem}.dist-info/RECORD'] = f'{record}{stem}.dist-info/RECORD,,\n'.encode()
    with zipfile.ZipFile(f'{target}/{stem}-{tag}.whl', 'w', zipfile.ZIP_DEFLATED) as out:
        for path, data in content.items():
            out.writestr(path, data)


infos = [entry for entry in os.listdir(site) if entry.endswith(('.dist-info', '.egg-info'))]
distributions = {package_of(info): info.split('-')[0] for info in infos}
for info in infos:
    wheel(info)
