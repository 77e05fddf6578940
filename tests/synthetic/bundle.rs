//! A bundle as types, and its way to bytes.

use std::collections::BTreeMap;

use shellpack_format::bundle::FORMAT;
use shellpack_format::bundle::layout::Layout;
use shellpack_format::bundle::manifest::{
    BundleName, Closure, ClosurePath, FileKind, Manifest, Project, ProjectFile, Proof,
    RelativePath, Shell, Tools,
};
use shellpack_format::bundle::segment::Compressor;
use shellpack_format::bundle::signature::Signatures;
use shellpack_format::bundle::writer::Writer;
use shellpack_format::store::export;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StoreDir;
use shellpack_format::store::store_path::StorePath;

use super::Tree;

/// A store path whose hash part is a number.
pub(crate) fn store_path(number: usize, name: &str) -> StorePath {
    StorePath::from_base_name(&format!("{number:032}-{name}")).unwrap()
}

/// A bundle before it is bytes.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    pub(crate) manifest: Manifest,
    /// The contents of its regular project files, in order.
    pub(crate) contents: Vec<Vec<u8>>,
    /// The NARs of its store paths, in order.
    pub(crate) nars: Vec<Vec<u8>>,
}

impl Bundle {
    /// Of project files and of the names and NARs of store paths.
    pub(crate) fn new(project: &[(&str, Tree)], closure: &[(&str, Vec<u8>)]) -> Self {
        let paths: Vec<_> = closure
            .iter()
            .enumerate()
            .map(|(index, (name, _))| closure_path(store_path(index + 1, name)))
            .collect();
        let shell = Shell {
            name: None,
            file: RelativePath::parse("shell.nix").unwrap(),
            directory: None,
            script: None,
            attribute: None,
            arguments: Vec::new(),
            derivation: store_path(0, "shell.drv"),
            system: "x86_64-linux".into(),
            nix_version: "2.8.0".into(),
            minimum_nix_version: None,
            required_nix_features: None,
            bash: paths
                .first()
                .map(|path| format!("/nix/store/{}/bash", path.path)),
            nix_path: Vec::new(),
            nixpkgs_config: None,
            takes_user_config: false,
            fetching_files: Vec::new(),
            evaluation_variables: BTreeMap::new(),
            evaluation_settings: BTreeMap::new(),
            variables_read: Vec::new(),
            derivations: None,
            roots: paths.iter().map(|path| path.path.clone()).collect(),
            flake: None,
            environment: BTreeMap::new(),
            structured_attributes: None,
        };
        let mut bundle = Self {
            manifest: Manifest {
                format: FORMAT,
                needs: Vec::new(),
                name: BundleName::parse("synthetic").unwrap(),
                writer: "shellpack 0.1.0".into(),
                proof: Proof::unproved(),
                shells: vec![shell],
                pins: Vec::new(),
                answers: None,
                tools: Tools::default(),
                delta: None,
                project: Project::default(),
                closure: Closure {
                    store: StoreDir::parse("/nix/store").unwrap(),
                    segments: Vec::new(),
                    paths,
                },
            },
            contents: Vec::new(),
            nars: closure.iter().map(|(_, nar)| nar.clone()).collect(),
        };
        let trees: BTreeMap<_, _> = project
            .iter()
            .map(|(name, tree)| ((*name).to_owned(), tree.clone()))
            .collect();
        bundle.add_files("", &trees);
        bundle.sort_files();
        bundle.cut(&[]);
        bundle
    }

    fn add_files(&mut self, below: &str, entries: &BTreeMap<String, Tree>) {
        for (name, tree) in entries {
            let path = format!("{below}{name}");
            let kind = match tree {
                Tree::Directory(_) => FileKind::Directory { mode: 0o755 },
                Tree::Symlink(target) => FileKind::Symlink {
                    target: target.clone(),
                },
                Tree::File {
                    executable,
                    contents,
                } => {
                    self.contents.push(contents.clone());
                    FileKind::File {
                        mode: if *executable { 0o755 } else { 0o644 },
                        size: contents.len() as u64,
                        digest: Digest::of(contents),
                    }
                }
            };
            let file = ProjectFile {
                path: RelativePath::parse(&path).unwrap(),
                kind,
                read_by_hook: false,
            };
            self.manifest.project.files.push(file);
            if let Tree::Directory(entries) = tree {
                self.add_files(&format!("{path}/"), entries);
            }
        }
    }

    /// Bytewise, as the manifest requires: `a.b` comes before `a/b`.
    fn sort_files(&mut self) {
        let mut contents = std::mem::take(&mut self.contents).into_iter();
        let files = std::mem::take(&mut self.manifest.project.files);
        let mut both: Vec<_> = files
            .into_iter()
            .map(|file| {
                let regular = matches!(file.kind, FileKind::File { .. });
                (regular.then(|| contents.next().unwrap()), file)
            })
            .collect();
        both.sort_by(|(_, a), (_, b)| a.path.cmp(&b.path));
        for (contents, file) in both {
            self.contents.extend(contents);
            self.manifest.project.files.push(file);
        }
    }

    /// States the NARs in the manifest as they are, and cuts the stream at these offsets.
    pub(crate) fn cut(&mut self, at: &[u64]) {
        let closure = &mut self.manifest.closure;
        for (path, nar) in closure.paths.iter_mut().zip(&self.nars) {
            (path.nar_hash, path.nar_size) = (Digest::of(nar), nar.len() as u64);
        }
        let end = self.stream().len() as u64;
        let cuts: Vec<u64> = [&[0], at, &[end]].concat();
        let closure = &mut self.manifest.closure;
        closure.segments = cuts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        self.place();
    }

    /// States where each path starts, given sizes and segments.
    fn place(&mut self) {
        let layout: Layout = self.manifest.layout();
        for (index, path) in self.manifest.closure.paths.iter_mut().enumerate() {
            let (segment, offset) = layout.place(index);
            if !path.presumed {
                path.segment = Some(u32::try_from(segment).unwrap());
                path.offset = Some(offset);
            }
        }
    }

    /// Replaces the first store path's NAR; its hash and size are right.
    pub(crate) fn with_nar(mut self, nar: Vec<u8>) -> Self {
        self.nars[0] = nar;
        self.cut(&[]);
        self
    }

    /// The stream that `nix-store --export` would print.
    pub(crate) fn stream(&self) -> Vec<u8> {
        let closure = &self.manifest.closure;
        let mut out = Vec::new();
        for (index, nar) in self.nars.iter().enumerate() {
            if closure.paths[index].presumed {
                continue;
            }
            out.extend_from_slice(&export::NEXT);
            out.extend_from_slice(nar);
            out.extend(export::trailer(&closure.path_info(index), &closure.store));
        }
        out.extend_from_slice(&export::END);
        out
    }

    /// The raw segments.
    pub(crate) fn raw_segments(&self) -> Vec<Vec<u8>> {
        let mut stream = self.stream();
        let sizes = self.manifest.closure.segments.iter();
        sizes
            .map(|&size| {
                let rest = stream.split_off(usize::try_from(size).unwrap());
                std::mem::replace(&mut stream, rest)
            })
            .collect()
    }

    /// The bundle.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_saying(&self.manifest.to_bytes().unwrap())
    }

    /// The bundle with another manifest.
    pub(crate) fn bytes_saying(&self, manifest: &[u8]) -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), manifest, &Signatures::default()).unwrap();
        let mut contents = self.contents.iter();
        for file in &self.manifest.project.files {
            let content = match file.kind {
                FileKind::File { .. } => contents.next().unwrap().as_slice(),
                _ => &[],
            };
            writer.project_file(file, content).unwrap();
        }
        for (index, raw) in self.raw_segments().iter().enumerate() {
            let name = self.manifest.segment_name(index);
            writer.segment(name, &segment(raw)).unwrap();
        }
        writer.finish().unwrap()
    }

    /// The manifest's tables, to say what its types do not allow.
    pub(crate) fn tables(&self) -> toml::Table {
        toml::from_str(&String::from_utf8(self.manifest.to_bytes().unwrap()).unwrap()).unwrap()
    }
}

fn closure_path(path: StorePath) -> ClosurePath {
    ClosurePath {
        path,
        nar_hash: Digest::of(b""),
        nar_size: 0,
        references: Vec::new(),
        deriver: None,
        ca: None,
        signatures: Vec::new(),
        presumed: false,
        segment: None,
        offset: None,
    }
}

/// A manifest's bytes from its text: its digest line is right.
pub(crate) fn framed(text: &str) -> Vec<u8> {
    format!("{text}# sha256:{}\n", Digest::of(text.as_bytes()).hex()).into_bytes()
}

/// A segment's member as `create` makes it.
pub(crate) fn segment(raw: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(3, raw.len() as u64).unwrap();
    let mut frame = compressor.begin(raw.len() as u64).unwrap();
    frame.write(raw).unwrap();
    frame.finish(&[]).unwrap()
}

/// A segment's member from its frames: its check is right.
pub(crate) fn sealed(frames: &[u8]) -> Vec<u8> {
    let head = [0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];
    [frames, &head, Digest::of(frames).bytes()].concat()
}
