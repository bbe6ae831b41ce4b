import { constants, openSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import type Dockerode from 'dockerode'
import { messageOf, PaasError } from '../errors/paas-error.ts'
import { type ExecOptions, type RunningExec, startExec } from './exec.ts'

/** A command that runs in a container and only prints. */
export type PipedExec = Pick<RunningExec, 'kill' | 'exitCode'> & {
  /** The end of a pipe that it prints into. Whoever closes that early leaves it without a reader, and it ends. */
  fd: number
  /** The last of its stderr, once it has ended. */
  stderr: () => Promise<string>
}

/** Characters of stderr that are kept: the last, where a program says why it gave up. */
const keptErrors = 4096

/**
 * The shell holds the end of the command's pipe until we have opened it too. The command has a session of its own, so
 * that all of it can be stopped. Where there is Perl, as on Debian, the pipe gets room for 1 MiB (F_SETPIPE_SZ), so that
 * neither end waits for the other so often.
 */
const script = `
exec 3< <(exec setsid -- "$@" < /dev/null)
pid=$!
trap 'kill -- "-$pid" 2> /dev/null; exit 143' TERM
perl -e 'fcntl(STDIN, 1031, 1048576)' <&3 2> /dev/null || true
readlink /proc/self/fd/3
read -r || exit 1
exec 3<&-
wait "$pid"
`

/**
 * Starts a command that prints much. Its output comes by a pipe, past the engine, where two processes would copy every
 * byte. Throws DOCKER_FAILED for an engine whose processes are not to be seen here.
 */
export async function startPiped(
  docker: Dockerode,
  id: string,
  { command, ...options }: Pick<ExecOptions, 'command' | 'env'>,
): Promise<PipedExec> {
  const exec = await startExec(docker, id, {
    command: ['/bin/bash', '-c', script, 'paas', ...command],
    ...options,
  })
  let errors = ''
  /** The next of stdout; undefined once there is no more. */
  const printed = async (): Promise<string | undefined> => {
    for (;;) {
      const next = await output.next()
      if (next.done === true) return undefined
      const text = next.value.bytes.toString()
      if (next.value.stream === 'stdout') return text
      errors = (errors + text).slice(-keptErrors)
    }
  }
  const output = exec.output()
  try {
    const name = (await printed())?.trim() ?? ''
    const fd = await openPipe(await exec.pid(), name).catch((cause: unknown) => {
      throw new PaasError(
        'DOCKER_FAILED',
        `The output of a command in ${id} is out of reach: ${errors || messageOf(cause)}`,
        {
          hint: 'Does Docker run in this PID namespace?',
          cause,
        },
      )
    })
    await exec.write(Buffer.from('\n'))
    // There is no more of it but stderr; when that breaks off, the exit code tells the rest.
    const ended = printed().catch(() => undefined)
    return {
      fd,
      kill: exec.kill,
      exitCode: exec.exitCode,
      async stderr() {
        await ended
        return errors
      },
    }
  } finally {
    exec.end()
  }
}

/** Opens the pipe of this name that the process has as its third. */
async function openPipe(pid: number, name: string): Promise<number> {
  const file = `/proc/${pid}/fd/3`
  const found = await readlink(file)
  if (!/^pipe:/.test(name) || found !== name) throw new Error(`${file} is ${found}, and not ${name}`)
  return openSync(file, constants.O_RDONLY)
}
