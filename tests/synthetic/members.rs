//! A bundle as tar members.

use shellpack_format::bundle::member;

/// A bundle's tar members: blocks of their own for long names, too.
#[derive(Debug, Clone)]
pub(crate) struct Members(pub(crate) Vec<Member>);

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) header: tar::Header,
    pub(crate) content: Vec<u8>,
}

impl Members {
    pub(crate) fn of(bundle: &[u8]) -> Self {
        let mut rest = bundle.strip_suffix(&member::END).unwrap();
        let mut members = Vec::new();
        while !rest.is_empty() {
            let (header, after) = rest.split_at(member::BLOCK);
            let header = tar::Header::from_byte_slice(header).clone();
            let size = usize::try_from(header.entry_size().unwrap()).unwrap();
            let (content, after) = after.split_at(size);
            rest = &after[member::padding(size as u64)..];
            members.push(Member {
                header,
                content: content.to_vec(),
            });
        }
        Self(members)
    }

    pub(crate) fn index(&self, name: &str) -> usize {
        let is = |member: &Member| *member.header.path_bytes() == *name.as_bytes();
        self.0.iter().position(is).unwrap()
    }

    pub(crate) fn get(&mut self, name: &str) -> &mut Member {
        let index = self.index(name);
        &mut self.0[index]
    }

    /// Where a member's content ends and its padding begins.
    pub(crate) fn end_of(&self, name: &str) -> usize {
        let index = self.index(name);
        let before = Self(self.0[..index].to_vec()).bytes().len() - member::END.len();
        before + member::BLOCK + self.0[index].content.len()
    }

    /// Replaces a member's content, and states its size.
    pub(crate) fn replace(&mut self, name: &str, content: Vec<u8>) {
        let member = self.get(name);
        member.header.set_size(content.len() as u64);
        member.header.set_cksum();
        member.content = content;
    }

    /// Changes a header; its checksum is right.
    pub(crate) fn edit_header(&mut self, name: &str, edit: impl FnOnce(&mut tar::Header)) {
        let header = &mut self.get(name).header;
        edit(header);
        header.set_cksum();
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for member in &self.0 {
            out.extend_from_slice(member.header.as_bytes());
            out.extend_from_slice(&member.content);
            member::write_padding(&mut out, member.content.len() as u64).unwrap();
        }
        out.extend_from_slice(&member::END);
        out
    }
}
