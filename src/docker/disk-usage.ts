import type Dockerode from 'dockerode'
import { dockerCall } from './call.ts'

/** Bytes on disk by what uses them. */
export type DiskUsage = {
  /** `bytes` that no other image shares. */
  images: { id: string; tags: string[]; labels: Record<string, string>; bytes: number }[]
  /** What containers have written over their images. */
  containers: { id: string; labels: Record<string, string>; bytes: number }[]
  volumes: { name: string; labels: Record<string, string>; bytes: number }[]
  buildCacheBytes: number
  /** All layers of all images, each once. */
  layersBytes: number
}

/** The engine's answer to /system/df, which dockerode leaves untyped. */
type Found = {
  LayersSize?: number
  Images?:
    | {
        Id: string
        RepoTags?: string[] | null
        Labels?: Record<string, string> | null
        Size: number
        SharedSize: number
      }[]
    | null
  Containers?: { Id: string; Labels?: Record<string, string> | null; SizeRw?: number }[] | null
  Volumes?: { Name: string; Labels?: Record<string, string> | null; UsageData?: { Size: number } }[] | null
  BuildCache?: { Size: number; Shared: boolean }[] | null
}

/** Asks the engine what uses how much. It counts for seconds where there is much. */
export async function diskUsage(docker: Dockerode): Promise<DiskUsage> {
  const found = (await dockerCall('measure the disk', () => docker.df() as Promise<unknown>)) as Found
  return {
    images: (found.Images ?? []).map(({ Id, RepoTags, Labels, Size, SharedSize }) => ({
      id: Id,
      tags: RepoTags ?? [],
      labels: Labels ?? {},
      bytes: Size - Math.max(0, SharedSize),
    })),
    containers: (found.Containers ?? []).map(({ Id, Labels, SizeRw }) => ({
      id: Id,
      labels: Labels ?? {},
      bytes: SizeRw ?? 0,
    })),
    volumes: (found.Volumes ?? []).map(({ Name, Labels, UsageData }) => ({
      name: Name,
      labels: Labels ?? {},
      bytes: Math.max(0, UsageData?.Size ?? 0),
    })),
    buildCacheBytes: (found.BuildCache ?? []).reduce((sum, { Size, Shared }) => sum + (Shared ? 0 : Size), 0),
    layersBytes: found.LayersSize ?? 0,
  }
}
