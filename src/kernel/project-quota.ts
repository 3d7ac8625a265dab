/** Limits of disk space for directories: quotas of projects (quotactl(2), xfs_quota(8), tune2fs(8)). Acts. */
import { native } from './addon.ts';
import type { Directory } from './directory.ts';

/** Whether the file system keeps them. */
export function keepsProjectLimits(directory: Directory): boolean {
  return native('look for project quotas', (addon) => addon.projectQuota(directory.fd));
}

/** What is in the directory from now on counts for the project. @throws OnggiError `unsupported`, `denied` */
export function joinProject(directory: Directory, project: number): void {
  native(`put a directory into project ${project}`, (addon) => addon.setProject(directory.fd, project));
}

/** 0: none. */
export function projectOf(directory: Directory): number {
  return native('look for the project of a directory', (addon) => addon.project(directory.fd));
}

/** @param bytes 0 for no limit. @param directory any of the file system */
export function limitProject(directory: Directory, project: number, bytes: number): void {
  native(`limit project ${project}`, (addon) => addon.limitProject(directory.fd, project, bytes));
}
