import { z } from 'zod'
import { PaasError } from '../../errors/paas-error.ts'
import { type App } from '../../model/app.ts'
import { globalScope, type SealedConfig } from '../../model/release.ts'
import { type CommandContext } from '../define.ts'

/** The switch of commands that work on the config of every app instead of one app's. */
export const globalFlag = z.boolean().default(false).describe('config that every app has; for admins')

/** Whose config a command is about. */
export type Scope = { app: App; global?: undefined } | { app?: undefined; global: true }

/** Throws INVALID_INPUT where neither is named, FORBIDDEN for --global by somebody who is no admin. */
export function scopeOf(app: App | undefined, global: boolean, { identity }: CommandContext): Scope {
  if (!global) {
    if (app !== undefined) return { app }
    throw new PaasError('INVALID_INPUT', 'This needs an app.', {
      hint: 'Name it with -a APP, or say --global for the config of every app.',
    })
  }
  if (identity.via === 'root' || identity.key.role === 'admin') return { global: true }
  throw new PaasError('FORBIDDEN', 'Only an admin may see or change the config of every app.')
}

/** The sealed values of a scope, and what opens them. */
export async function sealedConfig(
  scope: Scope,
  { platform: { store } }: CommandContext,
): Promise<{ config: SealedConfig; secret: string }> {
  return scope.global
    ? { config: await store.globalConfig.get(), secret: globalScope }
    : { config: await store.apps.config(scope.app.id), secret: scope.app.id }
}

/** How people call a scope. */
export const nameOf = (scope: Scope): string => (scope.global ? 'all apps' : scope.app.name)
