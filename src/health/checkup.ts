import { type Platform } from '../apps/platform.ts'
import { base, disk, memory } from './machine.ts'
import { type Part } from './part.ts'
import { controller, docker, redis, router, sshd } from './processes.ts'
import { runc } from './runc.ts'
import { stateBackups } from './state-backups.ts'

/** Looks at every part of the server at once. Never rejects: what does not answer is not healthy. */
export function checkup(platform: Platform): Promise<Part[]> {
  const looks = [controller, redis, docker, runc, router, sshd, base, disk, memory, stateBackups]
  return Promise.all(looks.map((look) => look(platform)))
}
