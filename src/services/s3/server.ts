/**
 * Swift in one container: the proxy, which speaks S3, and behind it on loopback the servers of accounts, containers and
 * objects, with one device and one copy. They are forked from one process that has loaded all of their code, so they
 * share its memory; when one ends, all do. The same file has what every command in the container needs.
 */
export const server = String.raw`
import array, gc, json, os, secrets, signal, sys, time

folder, data, users = '/tmp/swift', '/data', '/dev/shm/paas'
device = data + '/node/d1'
day = 86400
ports = {'object': 6200, 'container': 6201, 'account': 6202}

proxy = '''
[DEFAULT]
bind_ip = 0.0.0.0
bind_port = 9000
workers = 0
user = swift
swift_dir = {folder}
account_autocreate = true
{settings}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck listing_formats s3api auth copy slo dlo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
[filter:auth]
paste.filter_factory = paas_server:auth_factory
'''
defaults = {
    'log_level': 'WARNING', 'log_udp_host': '127.0.0.1', 'node_timeout': 60, 'conn_timeout': 5,
    # There is no other server that could be asked instead of one that had an error.
    'error_suppression_interval': 0,
    'max_upload_part_num': 10000, 'max_manifest_segments': 10000, 'max_manifest_size': 1 << 24,
    # Otherwise parts of what was removed stay until a server comes by that there is not.
    'allow_async_delete': 'false',
}
filters = ['catch_errors', 'gatekeeper', 'healthcheck', 'listing_formats', 's3api', 'copy', 'slo', 'dlo', 'versioned_writes']

# Straight to the servers, without S3 and without a question for whom: for our own commands.
internal = '''
[DEFAULT]
swift_dir = {folder}
log_level = ERROR
log_udp_host = 127.0.0.1
account_autocreate = true
allow_account_management = true
node_timeout = 60
[pipeline:main]
pipeline = catch_errors proxy-server
[app:proxy-server]
use = egg:swift#proxy
[filter:catch_errors]
use = egg:swift#catch_errors
'''

# A listing is right as soon as the answer is there: an object waits for its container, and not the other way round.
backend = '''
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = swift
swift_dir = {folder}
devices = {data}/node
mount_check = false
log_level = WARNING
log_udp_host = 127.0.0.1
log_requests = false
container_update_timeout = 10
reclaim_age = {day}
recon_cache_path = {folder}
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[{kind}-replicator]
[{kind}-updater]
'''


def configure(settings):
    from swift.common.ring import RingData
    os.chdir(folder)
    for kind, port in ports.items():
        node = {'id': 0, 'region': 1, 'zone': 1, 'weight': 1.0, 'ip': '127.0.0.1', 'port': port, 'device': 'd1', 'meta': ''}
        RingData([array.array('H', [0] * 256)], [node], 24).save(kind + '.ring.gz')
        write(f'{folder}/{kind}.conf', backend.format(kind=kind, port=port, folder=folder, data=data, day=day))
    chosen = {**defaults, **dict(setting.split('=', 1) for setting in settings)}
    text = proxy.format(folder=folder, settings='\n'.join(f'{name} = {value}' for name, value in chosen.items()))
    write(folder + '/proxy.conf', text + ''.join(f'[filter:{name}]\nuse = egg:swift#{name}\n' for name in filters))
    write(folder + '/internal.conf', internal.format(folder=folder))
    # Where an object lies depends on this: it belongs to the data.
    if not os.path.exists(data + '/swift.conf'):
        write(data + '/swift.conf', f'[swift-hash]\nswift_hash_path_suffix = {secrets.token_hex(16)}\n', sync=True)
    write(folder + '/swift.conf', open(data + '/swift.conf').read())
    os.makedirs(device, exist_ok=True)
    os.makedirs(data + '/accounts', exist_ok=True)
    os.makedirs(users, mode=0o700, exist_ok=True)


def write(path, text, sync=False):
    with open(path + '.new', 'w') as file:
        file.write(text)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    os.rename(path + '.new', path)


def account_of(database):
    """The Swift account that holds a database now: a restore fills another one and then changes this file."""
    try:
        return open(f'{data}/accounts/{database}').read()
    except FileNotFoundError:
        return None


def secret_of(key):
    """What a user signs with. It is given to the server anew after each start; None until then."""
    try:
        return json.load(open(f'{users}/{key}'))
    except FileNotFoundError:
        return None


def auth_factory(_global, **_local):
    from swift.common.swob import HTTPBadRequest, HTTPForbidden, HTTPServiceUnavailable, HTTPUnauthorized

    def check(env):
        """Sets who it is, or answers."""
        signed = env.get('s3api.auth_details')
        if signed is None or not signed['access_key'].replace('_', '').isalnum():
            return HTTPUnauthorized()
        if any(letter < ' ' for letter in env['PATH_INFO']):
            # Its bucket could not be listed any more: XML has no way to say it.
            return HTTPBadRequest()
        key = signed['access_key']
        user = secret_of(key)
        if user is None:
            # A user goes by the name of the database: one that is there has its secret in a moment.
            return HTTPUnauthorized() if account_of(key) is None else HTTPServiceUnavailable()
        account = account_of(user['database'])
        if account is None or not signed['check_signature'](user['secret']):
            return HTTPUnauthorized()

        def authorize(request):
            return None if request.split_path(2, 4, True)[1] == account else HTTPForbidden(request=request)
        path = env['PATH_INFO'].split('/')
        if path[2] == key:
            env['PATH_INFO'] = '/'.join([*path[:2], account, *path[3:]])
        env['REMOTE_USER'] = key
        env['swift_owner'] = True
        env['swift.authorize'] = authorize
        return None

    def wrap(app):
        return lambda env, start_response: (check(env) or app)(env, start_response)
    return wrap


def fork(task, *arguments):
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        task(*arguments)
    except BaseException as error:
        print(f'{task.__name__}: {error!r}', file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def serve(kind):
    from swift.common.wsgi import run_wsgi
    run_wsgi(f'{folder}/{kind}.conf', kind + '-server', verbose=True)


def chore(name, *arguments):
    import paas_chores
    os.nice(19)
    getattr(paas_chores, name)(*arguments)


def commit_at_once():
    """What a bucket is told is in its list, on the disk, before the answer: there is no other copy to mend it from."""
    from swift.common.db import DatabaseBroker
    put = DatabaseBroker.put_record

    def put_record(broker, record):
        put(broker, record)
        broker._commit_puts_stale_ok()
    DatabaseBroker.put_record = put_record


def main(settings):
    import swift.account.server, swift.container.server, swift.obj.server, swift.proxy.server  # noqa: shared by all
    import swift.common.middleware.s3api.s3api, swift.common.middleware.slo, swift.common.wsgi  # noqa
    from swift.common.utils import set_swift_dir
    configure(settings)
    set_swift_dir(folder)
    commit_at_once()
    gc.freeze()
    servers = {fork(serve, kind) for kind in [*ports, 'proxy']}

    def stop(*_):
        for pid in servers:
            os.kill(pid, signal.SIGTERM)
        sys.exit(0)
    signal.signal(signal.SIGTERM, stop)
    soon, daily = time.monotonic() + 300, time.monotonic() + 1800
    while True:
        now = time.monotonic()
        if now >= soon:
            soon = now + 300
            fork(chore, 'deliver')
        if now >= daily:
            daily = now + day
            fork(chore, 'tidy', day)
        time.sleep(0.5)
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            if pid in servers:
                print('a server of Swift has ended', file=sys.stderr)
                for other in servers - {pid}:
                    os.kill(other, signal.SIGKILL)
                sys.exit(1)


if __name__ == '__main__':
    main(sys.argv[1:])
`
