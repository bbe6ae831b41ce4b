/**
 * What Swift leaves to other daemons, of which those that matter with one copy are run from time to time: listings that
 * missed an object are told of it, and what was removed or replaced more than a day ago is cleared away.
 */
export const chores = String.raw`
import glob, json, os, re, sys, time
from paas_data import buckets_of, client, data, device, file_of, folder, folder_of, rows_of, segments
from swift.account.replicator import AccountReplicator
from swift.common.exceptions import DiskFileNotExist
from swift.common.utils import get_logger, readconf
from swift.container.replicator import ContainerReplicator
from swift.obj.diskfile import DiskFileManager
from swift.obj.updater import ObjectUpdater


def settings_of(kind, daemon, **more):
    return {**readconf(f'{folder}/{kind}.conf', f'{kind}-{daemon}'), **more}


def deliver():
    if glob.glob(device + '/async_pending*/*/*'):
        ObjectUpdater(settings_of('object', 'updater')).run_once()


def tidy(age):
    for path in glob.glob(data + '/accounts/*'):
        sweep_parts(open(path).read(), age)
    sweep_marks(age)
    ContainerReplicator(settings_of('container', 'replicator', reclaim_age=age)).run_once()
    AccountReplicator(settings_of('account', 'replicator', reclaim_age=age)).run_once()


def sweep_parts(account, age):
    """Parts of large objects that have been replaced: none of them is in what is there now."""
    for whole in buckets_of(account):
        if not os.path.exists(folder_of(account, whole + segments)):
            continue
        names, uploads = set(), {}
        for row in rows_of(account, whole + segments):
            names.add(row[0])
            found = re.fullmatch(r'(.+)/([^/]+)/\d+', row[0], re.DOTALL)
            if found and float(row[1]) < time.time() - age:
                uploads.setdefault(found.groups(), []).append(row[0])
        for (key, upload), parts in uploads.items():
            # An upload that is not complete has an object of its name.
            if f'{key}/{upload}' not in names and not uses(account, whole, key, upload):
                for part in parts:
                    client.delete_object(account, whole + segments, part)


def uses(account, bucket, key, upload):
    try:
        file = file_of(account, bucket, key).open()
    except DiskFileNotExist:
        return False
    text = b''.join(file.reader()) if 'X-Static-Large-Object' in file.get_metadata() else b'[]'
    return any(f'/{upload}/' in part['name'] for part in json.loads(text))


def sweep_marks(age):
    """A removal leaves a mark for other copies, which there are not."""
    manager = DiskFileManager(settings_of('object', 'replicator', reclaim_age=age), get_logger({'log_level': 'ERROR', 'log_udp_host': '127.0.0.1'}))
    for suffix in glob.iglob(device + '/objects/*/???'):
        for name in os.listdir(suffix):
            if all(file.endswith('.ts') for file in os.listdir(f'{suffix}/{name}')):
                manager.cleanup_ondisk_files(f'{suffix}/{name}')
    for path in glob.iglob(device + '/objects/*/hashes.invalid'):
        os.unlink(path)


if __name__ == '__main__':
    tidy(int(sys.argv[1]))
`
