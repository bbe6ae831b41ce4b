import { mostProcesses } from './build-limits.ts'

const inMiB = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`

/** What a build most likely failed of, from its error and last lines; undefined where nothing is known. */
export function likelyCause(text: string, memoryBytes: number | undefined): string | undefined {
  return causes.find(({ sign }) => sign.test(text))?.say(memoryBytes)
}

/** The first that fits is told, so the more telling ones stand first. */
const causes: { sign: RegExp; say: (memoryBytes: number | undefined) => string }[] = [
  {
    // Only a base that is not there is ever asked of a registry.
    sign: /\bpaas\/(?:base|node)(?:\/manifests\/|:[\w.-]+: (?:pull access denied|not found))/,
    say: () => 'The base is not on this server: an admin makes it with paas base:build.',
  },
  {
    sign: /needs .+, which the base of paas does not have/,
    say: () =>
      'What the named image compiles runs on the base of paas: name one of Debian trixie or older (no Alpine), link libraries statically, or push a Dockerfile.',
  },
  {
    sign: /exit code: 137|heap out of memory|Cannot allocate memory|\bKilled\b|OutOfMemoryError/,
    say: (memory) =>
      memory === undefined
        ? 'It ran out of memory.'
        : `It ran out of memory: builds may use ${inMiB(memory)} together.`,
  },
  {
    sign: /Cannot fork|fork: (?:retry: )?Resource temporarily unavailable|spawn \S+ EAGAIN|pthread_create.*(?:EAGAIN|Resource temporarily)/,
    say: () => `It started too many processes: builds may have ${mostProcesses} together.`,
  },
  {
    sign: /ENOSPC|[Nn]o space left on device/,
    say: () => 'The disk is full; what takes the space: paas disk',
  },
  {
    sign: /package-lock\.json.*(?:not in sync|are in sync)|`npm ci` can only install|npm ci.*lockfileVersion/s,
    say: () => 'package-lock.json is out of date: run npm install, commit package-lock.json and push again.',
  },
  {
    sign: /frozen-lockfile|YN0028|lockfile would have been modified|ERR_PNPM_OUTDATED_LOCKFILE/i,
    say: () => 'The lock file is out of date: install locally, commit the lock file and push again.',
  },
  {
    sign: /lock ?file.*(?:out of date|needs to be updated|not up to date)|--locked was passed|pyproject\.toml changed significantly|Pipfile\.lock \(\w+\) is out of date|lockfile can't be updated|is not (?:present )?in the lock file|missing go\.sum entry|inconsistent vendoring/is,
    say: () => 'The lock file is out of date: update and commit it, then push again.',
  },
  {
    sign: /self[- ]signed certificate|SELF_SIGNED_CERT|unable to (?:get local issuer|verify the first)|x509: |CERTIFICATE_VERIFY_FAILED|certificate verify failed/,
    say: () =>
      'A certificate is not trusted: if this network has a CA of its own, install it on the server (update-ca-certificates) and run paas base:build.',
  },
  {
    sign: /failed to do request: \w+ "?https?:\/\/[^"\s]+\/(?:manifests|blobs)\//,
    say: () =>
      "The image's registry cannot be reached from this server. The base of paas needs none: paas base:set without an image, or FROM paas/base:trixie.",
  },
  {
    sign: /org\.gradle\.wrapper\.(?:Download|Install)\b|Failed to fetch https?:\/\/\S+\/(?:apache-maven|maven-mvnd)-|\bat Downloader\.main/,
    say: () =>
      'The wrapper could not fetch its Gradle or Maven: let distributionUrl in its properties file name a mirror that this server reaches. An app without mvnw is built with Debian’s Maven.',
  },
  {
    sign: /No (?:matching|compatible) toolchains|Cannot find a Java installation on your machine|Unable to download toolchain|release version \d+ not supported|invalid (?:source|target) release/,
    say: () =>
      'The build asks for a Java that is not there. The base has 21 and 25, of which system.properties chooses (java.runtime.version=25) and a toolchain of Gradle; an image with another: paas base:set eclipse-temurin:17-jdk',
  },
  {
    sign: /ENOTFOUND|EAI_AGAIN|Could not resolve|failure (?:in name resolution|resolving)|no such host|[Nn]etwork is unreachable|Name or service not known|Could not reach host|UnknownHostException|Unknown host|ECONNREFUSED|ETIMEDOUT|dial tcp|Failed to establish a new connection/,
    say: () =>
      'A registry cannot be reached from this server: vendor the dependencies into the repository, or point the package manager at a mirror.',
  },
  {
    sign: /pull access denied|manifest unknown|failed to (?:resolve source metadata|load cache key)|failed to solve.*not found$/m,
    say: () =>
      'A base image is not there: FROM paas/base:trixie needs no registry (paas base:build makes it).',
  },
  {
    sign: /apt-get: (?:command )?not found/,
    say: () =>
      'The base image has no apt-get: name one that is made of Debian or Ubuntu (node:22-bookworm-slim, not node:22-alpine).',
  },
  { sign: /exit code: 127|command not found|: not found$/m, say: () => 'A command is not in the image.' },
  {
    sign: /DO NOT MATCH THE HASHES|EINTEGRITY|checksum mismatch/,
    say: () =>
      'A package is not the one that the lock file was made with: its hash differs. Make the lock file anew, if that is no surprise.',
  },
  {
    sign: /\bE401\b|401 Unauthorized|401 Client Error|Authorization error accessing/,
    say: () => 'The registry wants a user and a password: they are config vars of the app.',
  },
  {
    sign: /E404|No matching (?:version|distribution)|ETARGET|notarget/,
    say: () =>
      'A package or version does not exist in the registry that was asked, or it shows it to those only who log in.',
  },
]
