import { z } from 'zod'

/**
 * An app's name: one DNS label, because it becomes a host name and part of file, image and container names.
 * Everything that takes an app name from outside parses it with this schema and nothing else.
 */
export const AppName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'an app name has lower-case letters, digits and inner hyphens, at most 63',
  )
  .brand<'AppName'>()
export type AppName = z.infer<typeof AppName>

/** A random id that an app keeps through renames; repositories, networks and images are named by it. */
export const AppId = z
  .string()
  .regex(/^a[0-9a-z]{15}$/)
  .brand<'AppId'>()
export type AppId = z.infer<typeof AppId>

/** A process type of a Procfile, as RFC 1123 labels with Heroku's underscore. */
export const ProcessType = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/,
    'a process type has lower-case letters, digits, hyphens and underscores, at most 63',
  )
  .brand<'ProcessType'>()
export type ProcessType = z.infer<typeof ProcessType>

/** A config var's name, as POSIX environment names. */
export const ConfigName = z
  .string()
  .max(256)
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'a config var name has letters, digits and underscores, and does not start with a digit',
  )
  .refine((name) => name !== '__proto__', 'this name cannot be used')
export type ConfigName = z.infer<typeof ConfigName>

/** A host name that routes traffic, lower-case, optionally `*.` in front; never an IP address or a bare `*`. */
export const Domain = z
  .string()
  .max(253)
  .transform((host) => host.toLowerCase().replace(/\.$/, ''))
  .pipe(
    z
      .string()
      .regex(
        /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
        'a domain looks like www.example.com or *.example.com',
      )
      .refine((host) => !/^[0-9.]+$/.test(host), 'a domain is a name, not an IP address'),
  )
export type Domain = z.infer<typeof Domain>

/**
 * A domain that is to be added: a wildcard only where the router looks for it, which is by the last five labels of a host
 * at most, as Hipache. What is stored is a Domain, because there may be longer ones from before.
 */
export const NewDomain = Domain.refine(
  (host) => !host.startsWith('*.') || host.split('.').length <= 6,
  'a wildcard with more than five labels after *. is never served: give a shorter one, or the hosts by name',
)
