/** URI scheme of files on volumes: `modal-volume:/NAME/PATH`. */
export const VOLUME_SCHEME = 'modal-volume';
/** URI scheme of files in sandboxes: `modal-sandbox:/ID/PATH`. */
export const SANDBOX_SCHEME = 'modal-sandbox';
