/**
 * What is done with the objects of one database, which is an account of Swift: made, removed, counted, written out and
 * read in. Objects are read and written as Swift's own servers do it, on the disk, which is many times as fast as asking
 * those one by one; an account that is filled is nobody's yet, so there is nobody to disagree with.
 */
export const data = String.raw`
import glob, hashlib, io, json, os, secrets, shutil, sys, tarfile
from paas_server import account_of, data, device, folder, users, write
from swift.account.backend import AccountBroker
from swift.common.exceptions import DiskFileNotExist
from swift.common.internal_client import InternalClient
from swift.common.storage_policy import POLICIES
from swift.common.utils import extract_swift_bytes, get_logger, hash_path, set_swift_dir, storage_directory
from swift.container.backend import ContainerBroker
from swift.obj.diskfile import DiskFileManager

set_swift_dir(folder)
segments = '+segments'
client = InternalClient(folder + '/internal.conf', 'paas', 3)
disk = DiskFileManager({'devices': data + '/node', 'mount_check': 'false'}, get_logger({'log_level': 'ERROR', 'log_udp_host': '127.0.0.1'}))
batch = 1000


def folder_of(account, bucket=None):
    ring, kind = (client.account_ring, 'accounts') if bucket is None else (client.container_ring, 'containers')
    return os.path.join(device, storage_directory(kind, ring.get_part(account, bucket), hash_path(account, bucket)))


def broker_of(account, bucket):
    path = folder_of(account, bucket)
    return ContainerBroker(f'{path}/{os.path.basename(path)}.db', account=account, container=bucket)


def rows_of(account, bucket):
    """Name, time, size, type and checksum of every object, as its bucket has them."""
    after = ''
    while rows := broker_of(account, bucket).list_objects_iter(batch, after, '', '', ''):
        yield from rows
        after = rows[-1][0]


def file_of(account, bucket, key):
    part = client.get_object_ring(0).get_part(account, bucket, key)
    return disk.get_diskfile('d1', part, account, bucket, key, POLICIES.legacy)


def buckets_of(account, whole=False):
    names = [item['name'] for item in client.iter_containers(account)]
    return [name for name in names if whole or not name.endswith(segments)]


def settings_of(account, bucket):
    kept = ('x-container-meta-', 'x-container-sysmeta-', 'x-container-read', 'x-container-write')
    headers = client.make_request('HEAD', client.make_path(account, bucket), {}, (2,)).headers
    return {name: value for name, value in headers.items() if name.lower().startswith(kept)}


def fail(reason):
    print(reason, file=sys.stderr)
    sys.exit(1)


def make(database):
    """Takes the user with his secret from stdin, and makes the account and its bucket where they are not there."""
    wanted = json.load(sys.stdin)
    if account_of(database) is None:
        account = fresh(database)
        client.create_container(account, wanted['bucket'])
        switch(database, account)
    write(f"{users}/{wanted['user']}", json.dumps({'secret': wanted['secret'], 'database': database}))


def fresh(database):
    return f'AUTH_{database}_{secrets.token_hex(8)}'


def switch(database, account):
    write(f'{data}/accounts/{database}', account, sync=True)
    held = os.open(data + '/accounts', os.O_DIRECTORY)
    os.fsync(held)
    os.close(held)


def remove(database, user):
    account = account_of(database)
    for path in [f'{users}/{user}', f'{data}/accounts/{database}']:
        if os.path.exists(path):
            os.unlink(path)
    if account is not None:
        erase(account)


def erase(account):
    """Removes an account that nobody is let into any more, with everything in it."""
    for bucket in buckets_of(account, whole=True):
        for row in rows_of(account, bucket):
            shutil.rmtree(file_of(account, bucket, row[0])._datadir, ignore_errors=True)
        shutil.rmtree(folder_of(account, bucket), ignore_errors=True)
    shutil.rmtree(folder_of(account), ignore_errors=True)


def erase_strays():
    """What a restore that was cut off has left."""
    current = {open(path).read() for path in glob.glob(data + '/accounts/*')}
    for path in glob.glob(device + '/accounts/*/*/*/*.db'):
        account = AccountBroker(path).get_info()['account']
        if account not in current:
            erase(account)


def count(database, own):
    account = account_of(database)
    for bucket in buckets_of(account):
        objects = size = 0
        for row in rows_of(account, bucket):
            # The size of a large object is in its type, its own is that of the list of its parts.
            objects, size = objects + 1, size + int(extract_swift_bytes(row[3])[1] or row[2])
        of = '' if bucket == own else f'bucket {bucket}: '
        print(f'{of}objects\t{objects}\n{of}bytes\t{size}')


class Dump:
    """A tar of what is stored: each object with all that Swift knows of it as its comment, parts before their whole."""

    def __init__(self, account, own):
        self.account, self.own = account, own
        self.tar = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', bufsize=1 << 20, format=tarfile.PAX_FORMAT)

    def put(self, name, record, size=0, stream=None):
        info = tarfile.TarInfo(name)
        info.size, info.mtime = size, int(float(record.get('metadata', {}).get('X-Timestamp', 0)))
        info.pax_headers = {'comment': json.dumps(record)}
        self.tar.addfile(info, stream)

    def name_of(self, bucket):
        return None if bucket == self.own else bucket

    def bucket(self, bucket):
        self.put(f'{bucket}/', {'bucket': self.name_of(bucket), 'settings': settings_of(self.account, bucket)})
        return sum(self.object(bucket, row) for row in rows_of(self.account, bucket))

    def object(self, bucket, row):
        """Whether it was still there."""
        try:
            file = file_of(self.account, bucket, row[0]).open()
        except DiskFileNotExist:
            return False
        metadata, base = file.get_metadata(), bucket.removesuffix(segments)
        del metadata['name']
        damage = []
        chunks = file.reader(_quarantine_hook=damage.append)
        if 'X-Static-Large-Object' in metadata:
            manifest = b''.join(chunks)
            if not all(self.part(part) for part in json.loads(manifest)):
                # Removed or replaced meanwhile; in the second case there is another one now.
                return self.object(bucket, row)
            chunks = [manifest]
        record = {'bucket': self.name_of(base), 'part': bucket != base, 'row': row, 'metadata': metadata}
        self.put(f'{bucket}/{row[0]}', record, int(metadata['Content-Length']), Stream(chunks))
        if damage:
            fail(f'{bucket}/{row[0]} is damaged: {damage[0]}')
        return True

    def part(self, part):
        bucket, key = part['name'].lstrip('/').split('/', 1)
        return self.object(bucket, [key, part['last_modified'], part['bytes'], part['content_type'], part['hash']])


class Stream(io.RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks):
        self.chunks, self.rest = iter(chunks), b''

    def readinto(self, buffer):
        self.rest = self.rest or next(self.chunks, b'')
        taken, self.rest = self.rest[:len(buffer)], self.rest[len(buffer):]
        buffer[:len(taken)] = taken
        return len(taken)


def dump(database, own):
    account = account_of(database)
    out = Dump(account, own)
    out.put('paas-objects', {'format': 1})
    out.put('end', {'objects': sum(out.bucket(bucket) for bucket in buckets_of(account))})
    out.tar.close()


class Load:
    """Fills an account from a dump."""

    def __init__(self, account, own):
        self.account, self.own = account, own
        self.brokers, self.objects, self.end = {}, 0, None
        self.bucket(own, {})

    def take(self, number, record, stream, size):
        if number == 0:
            if record.get('format') != 1:
                raise ValueError('it has another format')
        elif 'objects' in record:
            self.end = record['objects']
        elif 'settings' in record:
            self.bucket(record['bucket'] or self.own, record['settings'])
        else:
            self.object((record['bucket'] or self.own) + (segments if record['part'] else ''), record, stream, size)
            self.objects += not record['part']

    def bucket(self, bucket, settings):
        client.create_container(self.account, bucket, settings)
        self.brokers[bucket] = broker_of(self.account, bucket)

    def object(self, bucket, record, stream, size):
        if bucket not in self.brokers:
            self.bucket(bucket, {})
        row, metadata = record['row'], record['metadata']
        if 'X-Static-Large-Object' in metadata:
            # Its parts are named with their bucket, which may have another name now.
            parts = json.load(stream)
            for part in parts:
                part['name'] = f"/{bucket}{segments}/" + part['name'].lstrip('/').split('/', 1)[1]
            body = json.dumps(parts).encode()
            stream, size, metadata['ETag'] = io.BytesIO(body), len(body), hashlib.md5(body).hexdigest()
        metadata.update({'name': f'/{self.account}/{bucket}/{row[0]}', 'Content-Length': str(size)})
        # Listed first: what is listed is found when all of it has to be erased again.
        self.brokers[bucket].put_object(row[0], metadata['X-Timestamp'], *row[2:5])
        with file_of(self.account, bucket, row[0]).create(size=size) as writer:
            while chunk := stream.read(1 << 16):
                writer.write(chunk)
            if writer.chunks_finished() != (size, metadata['ETag']):
                raise ValueError(f'{row[0]} is damaged')
            writer.put(metadata)


def restore(database, own):
    """Fills another account, and puts it in the place of the old one once all is there."""
    erase_strays()
    account, former = fresh(database), account_of(database)
    try:
        load = Load(account, own)
        with tarfile.open(fileobj=sys.stdin.buffer, mode='r|', bufsize=1 << 20) as archive:
            for number, member in enumerate(archive):
                load.take(number, json.loads(member.pax_headers['comment']), archive.extractfile(member), member.size)
        if load.end != load.objects:
            raise ValueError('it ends too early')
        for broker in load.brokers.values():
            # Takes what waits for it into the list.
            broker.get_info()
    except BaseException as error:
        erase(account)
        fail(f'this is no whole dump of objects: {error!r}')
    switch(database, account)
    erase(former)


if __name__ == '__main__':
    {'make': make, 'remove': remove, 'count': count, 'dump': dump, 'restore': restore}[sys.argv[1]](*sys.argv[2:])
`
